package config

import (
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
)

// prefix begins the names of the variables that set keys:
// RDDSD_<TABLE>_<KEY>.
const prefix = "RDDSD_"

// override sets the keys that env names; of two that are the same the later
// wins, as with exec.Cmd. Variables of unknown tables are left alone, because
// others make such names as well (Kubernetes: RDDSD_SERVICE_HOST), unless a
// slip of the pen would explain them.
func (l *loader) override(env []string) {
	tables := fieldsOf(reflect.ValueOf(l.config).Elem())
	last := map[string]string{}
	var names []string
	for _, entry := range env {
		name, text, found := strings.Cut(entry, "=")
		if !found || !strings.HasPrefix(name, prefix) {
			continue
		}
		if _, seen := last[name]; !seen {
			names = append(names, name)
		}
		last[name] = text
	}
	for _, name := range names {
		l.variable(tables, name, value{form: bare, text: last[name], at: origin{variable: name}})
	}
}

func (l *loader) variable(tables map[string]reflect.Value, name string, v value) {
	table, key, _ := strings.Cut(strings.ToLower(strings.TrimPrefix(name, prefix)), "_")
	field, known := tables[table]
	if !known {
		near := nearest(table, slices.Collect(maps.Keys(tables)))
		if near != "" && tables[near].Kind() == reflect.Struct && fieldsOf(tables[near])[key].IsValid() {
			l.report(v.at, "", fmt.Sprintf("there is no table %q; did you mean %s?", table, variableOf(near, key)))
		}
		return
	}
	if field.Kind() == reflect.Slice {
		l.report(v.at, "", fmt.Sprintf("the environment cannot set what stands in [[%s]]; write it in the file", table))
		return
	}
	keys := fieldsOf(field)
	if !keys[key].IsValid() && ofService(key, v.text) {
		return
	}
	if name != strings.ToUpper(name) || !keys[key].IsValid() {
		l.report(v.at, "", unknownVariable(table, key, slices.Sorted(maps.Keys(keys))))
		return
	}
	l.set(table+"."+key, keys[key], v)
}

// servicePort is the rest of a name such as RDDSD_WHOIS_PORT_43_TCP_ADDR.
var servicePort = regexp.MustCompile(`^port_[0-9]+_(tcp|udp|sctp)(_(proto|port|addr))?$`)

// ofService reports whether Kubernetes makes a variable with this key and text: a
// service called rddsd-whois gives every container one RDDSD_WHOIS_SERVICE_HOST
// and more, which must not keep the edge behind it from starting.
func ofService(key, text string) bool {
	return key == "service_host" || key == "service_port" || strings.HasPrefix(key, "service_port_") ||
		key == "port" && strings.Contains(text, "://") || servicePort.MatchString(key)
}

func unknownVariable(table, key string, known []string) string {
	if slices.Contains(later, table+"."+key) {
		return fmt.Sprintf("[%s] %s %s", table, key, notYet)
	}
	if near := nearest(key, known); near != "" {
		return fmt.Sprintf("[%s] has no key %q; did you mean %s?", table, key, variableOf(table, near))
	}
	return fmt.Sprintf("[%s] has no key %q; it has %s", table, key, strings.Join(known, ", "))
}

func variableOf(table, key string) string { return prefix + strings.ToUpper(table+"_"+key) }
