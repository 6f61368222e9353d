package rdapcheck

import (
	"errors"
	"strconv"
	"strings"
)

var errPath = errors.New("not a JSONPath that is understood here")

// selectPath returns what a JSONPath (RFC 9535) selects below root, as far as the paths
// of redactions go: members, indexes, and filters whose tests are equalities joined by
// "&&".
func selectPath(root any, path string) ([]any, error) {
	rest, ok := strings.CutPrefix(path, "$")
	if !ok {
		return nil, errPath
	}
	return selectFrom([]any{root}, rest)
}

func selectFrom(nodes []any, path string) ([]any, error) {
	for path != "" {
		var next []any
		switch {
		case path[0] == '.':
			name := path[1:]
			if end := strings.IndexAny(name, ".["); end >= 0 {
				name = name[:end]
			}
			if name == "" {
				return nil, errPath
			}
			path = path[1+len(name):]
			for _, node := range nodes {
				if o, ok := node.(object); ok {
					if v, has := o[name]; has {
						next = append(next, v)
					}
				}
			}
		case strings.HasPrefix(path, "[?("):
			end := strings.Index(path, ")]")
			if end < 0 {
				return nil, errPath
			}
			expression := path[len("[?("):end]
			path = path[end+len(")]"):]
			for _, node := range nodes {
				for _, element := range list(node) {
					ok, err := holds(element, expression)
					if err != nil {
						return nil, err
					}
					if ok {
						next = append(next, element)
					}
				}
			}
			if _, err := holds(nil, expression); err != nil {
				return nil, err
			}
		case path[0] == '[':
			end := strings.IndexByte(path, ']')
			if end < 0 {
				return nil, errPath
			}
			index, err := strconv.Atoi(path[1:end])
			if err != nil || index < 0 {
				return nil, errPath
			}
			path = path[end+1:]
			for _, node := range nodes {
				if elements := list(node); index < len(elements) {
					next = append(next, elements[index])
				}
			}
		default:
			return nil, errPath
		}
		nodes = next
	}
	return nodes, nil
}

// holds reports whether all tests of a filter are true of node.
func holds(node any, expression string) (bool, error) {
	all := true
	for test := range strings.SplitSeq(expression, "&&") {
		left, right, ok := strings.Cut(strings.TrimSpace(test), "==")
		path, isPath := strings.CutPrefix(strings.TrimSpace(left), "@")
		right = strings.TrimSpace(right)
		if !ok || !isPath || len(right) < 2 || right[0] != '\'' || right[len(right)-1] != '\'' {
			return false, errPath
		}
		selected, err := selectFrom([]any{node}, path)
		if err != nil {
			return false, err
		}
		all = all && len(selected) == 1 && selected[0] == right[1:len(right)-1]
	}
	return all, nil
}
