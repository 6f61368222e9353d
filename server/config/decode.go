package config

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// decode reads data into the configuration. The library's strict decoder stops
// at the first wrong type and forgets where a value stood; so it only judges
// whether data is TOML, and its parser's tree is read here, which tells of each
// problem and keeps the place of each key for the checks that follow.
func (l *loader) decode(data []byte) {
	var whole map[string]any
	if err := toml.Unmarshal(data, &whole); err != nil {
		var syntax *toml.DecodeError
		o := origin{file: l.file}
		if errors.As(err, &syntax) {
			o.line, o.column = syntax.Position()
		}
		l.report(o, "", "this is not TOML: "+strings.TrimPrefix(err.Error(), "toml: "))
		return
	}
	d := decoder{loader: l, top: fieldsOf(reflect.ValueOf(l.config).Elem())}
	d.parser.Reset(data)
	for d.parser.NextExpression() {
		d.expression(d.parser.Expression())
	}
	if err := d.parser.Error(); err != nil { // unreachable after Unmarshal, but never to be ignored
		l.report(origin{file: l.file}, "", "this is not TOML: "+err.Error())
	}
}

// decoder walks over the tree of a TOML document.
type decoder struct {
	*loader
	parser  unstable.Parser
	top     map[string]reflect.Value
	path    string                   // of the table that keys now belong to; "" = none
	fields  map[string]reflect.Value // of that table; nil = it is unknown, and so are its keys
	skipped bool                     // the table is unknown, which was reported
}

// fieldsOf returns the fields of a struct by their keys.
func fieldsOf(v reflect.Value) map[string]reflect.Value {
	fields := make(map[string]reflect.Value, v.NumField())
	for i := range v.NumField() {
		if key := v.Type().Field(i).Tag.Get("toml"); key != "" {
			fields[key] = v.Field(i)
		}
	}
	return fields
}

// part is one part of a dotted key.
type part struct {
	name string
	at   origin
}

func (d *decoder) parts(it unstable.Iterator) []part {
	var parts []part
	for it.Next() {
		parts = append(parts, part{string(it.Node().Data), d.at(it.Node())})
	}
	return parts
}

func (d *decoder) at(n *unstable.Node) origin {
	start := d.parser.Shape(n.Raw).Start
	return origin{file: d.file, line: start.Line, column: start.Column}
}

func (d *decoder) expression(n *unstable.Node) {
	switch n.Kind {
	case unstable.Table, unstable.ArrayTable:
		d.header(d.parts(n.Key()), n.Kind == unstable.ArrayTable)
	case unstable.KeyValue:
		parts := d.parts(n.Key())
		switch {
		case d.skipped:
		case d.path != "":
			d.key(parts, n.Value())
		case len(parts) == 1:
			d.inline(parts[0], n.Value())
		default: // whois.listen = …
			d.header(parts[:1], false)
			if !d.skipped {
				d.key(parts[1:], n.Value())
			}
			d.path, d.fields, d.skipped = "", nil, false
		}
	}
}

// header enters the table of a [header] or [[header]].
func (d *decoder) header(parts []part, array bool) {
	d.path, d.fields, d.skipped = "", nil, true
	name := parts[0].name
	field, known := d.top[name]
	switch {
	case !known:
		d.unknownTable(parts[0])
		return
	case len(parts) > 1:
		d.report(parts[1].at, name, fmt.Sprintf("it has no table %q inside; its keys are %s", parts[1].name, keysOf(fieldsOf(element(field)))))
		return
	case array && field.Kind() != reflect.Slice:
		d.report(parts[0].at, name, fmt.Sprintf("there is one such table only; write [%s]", name))
		return
	case !array && field.Kind() == reflect.Slice:
		d.report(parts[0].at, name, fmt.Sprintf("there may be several such tables; write [[%s]]", name))
		return
	}
	d.skipped, d.path = false, name
	if array {
		d.path = d.grow(name, field)
		field = field.Index(field.Len() - 1)
	}
	d.config.origins[d.path] = parts[0].at
	d.fields = fieldsOf(field)
}

// grow adds an element to an array of tables and returns its path.
func (d *decoder) grow(name string, field reflect.Value) string {
	field.Set(reflect.Append(field, reflect.Zero(field.Type().Elem())))
	return fmt.Sprintf("%s[%d]", name, field.Len()-1)
}

// element returns a struct of the type that a table or array of tables holds.
func element(field reflect.Value) reflect.Value {
	if field.Kind() == reflect.Slice {
		return reflect.Zero(field.Type().Elem())
	}
	return field
}

// key gives a key of the current table the value at n.
func (d *decoder) key(parts []part, n *unstable.Node) {
	name := parts[0].name
	field, known := d.fields[name]
	switch {
	case !known:
		d.unknownKey(parts[0])
	case len(parts) > 1:
		d.report(parts[1].at, d.path+"."+name, fmt.Sprintf("it is a key, not a table, so there is no %q in it", parts[1].name))
	default:
		d.set(d.path+"."+name, field, d.value(n, parts[0].at))
	}
}

// inline reads what stands above all tables: a table or an array of tables in
// one line, or a key that has lost its table.
func (d *decoder) inline(p part, n *unstable.Node) {
	field, known := d.top[p.name]
	switch {
	case !known:
		d.unknownTable(p)
	case n.Kind == unstable.InlineTable && field.Kind() == reflect.Struct:
		d.header([]part{p}, false)
		d.keys(n)
	case n.Kind == unstable.Array && field.Kind() == reflect.Slice:
		for it := n.Children(); it.Next(); {
			if it.Node().Kind != unstable.InlineTable {
				d.report(p.at, p.name, "it is a list of tables; write each as [["+p.name+"]]")
				break
			}
			d.header([]part{p}, true)
			d.keys(it.Node())
		}
	default:
		d.report(p.at, p.name, fmt.Sprintf("is %v; it is a table: write %s and its keys below", d.value(n, p.at), header(p.name, field)))
	}
	d.path, d.fields, d.skipped = "", nil, false
}

// keys reads the keys of an inline table.
func (d *decoder) keys(n *unstable.Node) {
	for it := n.Children(); it.Next(); {
		d.key(d.parts(it.Node().Key()), it.Node().Value())
	}
}

// value returns the value at n. The parser knows no place for a list; then it
// is that of its key.
func (d *decoder) value(n *unstable.Node, key origin) value {
	v := value{at: key, text: string(n.Data)}
	if n.Raw.Length > 0 {
		v.at = d.at(n)
	}
	switch n.Kind {
	case unstable.String:
		v.form = text
	case unstable.Bool:
		v.form = boolean
	case unstable.Integer, unstable.Float:
		v.form = number
	case unstable.Array:
		v.form = list
		for it := n.Children(); it.Next(); {
			if it.Node().Kind != unstable.Comment {
				v.list = append(v.list, d.value(it.Node(), key))
			}
		}
	case unstable.InlineTable:
		v.form = table
	default:
		v.form = date
	}
	return v
}

// later are the tables and keys that are planned (design.md §9) and that this
// release would ignore: who sets one must hear of it.
var later = []string{"registry.nats", "web", "tld.searches"}

const notYet = "comes with a later release"

func (d *decoder) unknownTable(p part) {
	d.report(p.at, "", fmt.Sprintf("unknown table %q; %s", p.name, d.insteadOfTable(p.name)))
}

// insteadOfTable tells who wrote the unknown table name what to write.
func (d *decoder) insteadOfTable(name string) string {
	if slices.Contains(later, name) {
		return "it " + notYet
	}
	if near := nearest(name, slices.Collect(maps.Keys(d.top))); near != "" {
		return fmt.Sprintf("did you mean %s?", header(near, d.top[near]))
	}
	if tables := d.tablesWith(name); len(tables) > 0 {
		return "it is a key of " + strings.Join(tables, " and ")
	}
	var known []string
	for _, name := range slices.Sorted(maps.Keys(d.top)) {
		known = append(known, header(name, d.top[name]))
	}
	return "there are " + strings.Join(known, ", ")
}

func (d *decoder) unknownKey(p part) {
	d.report(p.at, d.path, fmt.Sprintf("unknown key %q; %s", p.name, d.insteadOfKey(p.name)))
}

// insteadOfKey tells who wrote the unknown key name into the current table what
// to write.
func (d *decoder) insteadOfKey(name string) string {
	if slices.Contains(later, tableName(d.path)+"."+name) {
		return "it " + notYet
	}
	if near := nearest(name, slices.Collect(maps.Keys(d.fields))); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	if tables := d.tablesWith(name); len(tables) > 0 {
		return "it belongs to " + strings.Join(tables, " or ")
	}
	return "there are " + keysOf(d.fields)
}

// tablesWith returns the headers of the tables that have key.
func (d *decoder) tablesWith(key string) []string {
	var tables []string
	for _, name := range slices.Sorted(maps.Keys(d.top)) {
		if _, ok := fieldsOf(element(d.top[name]))[key]; ok {
			tables = append(tables, header(name, d.top[name]))
		}
	}
	return tables
}

func keysOf(fields map[string]reflect.Value) string {
	return strings.Join(slices.Sorted(maps.Keys(fields)), ", ")
}

func header(name string, field reflect.Value) string {
	if field.Kind() == reflect.Slice {
		return "[[" + name + "]]"
	}
	return "[" + name + "]"
}

// tableOf returns the path of the table that the key at path stands in.
func tableOf(path string) string {
	table, _, _ := strings.Cut(path, ".")
	return table
}

// tableName returns the name of the table at path.
func tableName(path string) string {
	name, _, _ := strings.Cut(path, "[")
	return name
}
