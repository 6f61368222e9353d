package postgres

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"unsafe"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"

	"rddsd/cache"
	"rddsd/cache/feed/contract"
	"rddsd/cache/registry"
)

// decoder turns rows in PostgreSQL's binary form into changes. Rows of COPY and
// of queries have the same form.
type decoder struct {
	contract.Decoder
	values values
}

// change returns one row as a Change. row is good until the call returns.
func (d *decoder) change(kind registry.Kind, row [][]byte) cache.Change {
	d.values.row = row
	key, ok := d.values.Text()
	c := d.Change(kind, strings.Clone(key), &d.values)
	if !ok {
		c.Row, c.Reject = "", registry.RejectKey
	}
	return c
}

// values are those of one row; nil is null. The strings that it gives share the
// row's memory.
type values struct{ row [][]byte }

func (v *values) next() []byte {
	value := v.row[0]
	v.row = v.row[1:]
	return value
}

func text(value []byte) string { return unsafe.String(unsafe.SliceData(value), len(value)) }

func (v *values) Text() (string, bool) { return text(v.next()), true }

func (v *values) Number() (int64, bool) {
	switch value := v.next(); len(value) {
	case 0:
		return 0, value == nil
	case 2:
		return int64(int16(binary.BigEndian.Uint16(value))), true
	case 4:
		return int64(int32(binary.BigEndian.Uint32(value))), true
	case 8:
		return int64(binary.BigEndian.Uint64(value)), true
	}
	return 0, false
}

// postgresEpoch is 2000-01-01T00:00:00Z, from which PostgreSQL counts the
// microseconds of a timestamptz.
const postgresEpoch registry.Time = 946684800e6

func (v *values) Time() (registry.Time, bool) {
	value := v.next()
	if len(value) != 8 {
		return 0, value == nil
	}
	t := registry.Time(binary.BigEndian.Uint64(value))
	// Infinity either way is no date; what is outside the years of the contract
	// the row's own check finds.
	if t+postgresEpoch < t || t == -1<<63 {
		return 0, false
	}
	return t + postgresEpoch, true
}

func (v *values) Flag() (b, ok bool) {
	value := v.next()
	if len(value) != 1 {
		return false, false
	}
	return value[0] == 1, true
}

// List reads a text[] (array_send in PostgreSQL's arrayfuncs.c): dimensions,
// whether it holds nulls, type of the elements; for each dimension its length
// and lower bound; then the elements, each with its length.
func (v *values) List(reuse []string) ([]string, bool) {
	value := v.next()
	if len(value) < 12 {
		return reuse, false
	}
	dimensions, rest := binary.BigEndian.Uint32(value), value[12:]
	switch {
	case dimensions == 0:
		return reuse, true
	case dimensions > 1 || len(rest) < 8:
		return reuse, false
	}
	n, rest := binary.BigEndian.Uint32(rest), rest[8:]
	for range n {
		if len(rest) < 4 {
			return reuse, false
		}
		length := int32(binary.BigEndian.Uint32(rest))
		rest = rest[4:]
		if length < 0 || int(length) > len(rest) { // null, or cut
			return reuse, false
		}
		reuse = append(reuse, text(rest[:length]))
		rest = rest[length:]
	}
	return reuse, len(rest) == 0
}

// form is what the values of a column are.
type form int

const (
	formText form = iota
	formTexts
	formNumber
	formFlag
	formTime
)

// forms lists the columns that are no text.
var forms = map[string]form{
	"created": formTime, "updated": formTime, "transferred": formTime, "expires": formTime, "refresh_at": formTime,
	"gtld": formFlag, "zone_signed": formFlag, "iana_id": formNumber,
	"street": formTexts, "redacted": formTexts, "v4": formTexts, "v6": formTexts, "statuses": formTexts,
	"tech": formTexts, "hosts": formTexts, "ds": formTexts, "rgp": formTexts,
}

// types lists the types in which PostgreSQL may give values of a form: those
// whose binary form values reads.
var types = [...]struct {
	name string
	oids []uint32
}{
	formText:   {"text", []uint32{pgtype.TextOID, pgtype.VarcharOID, pgtype.BPCharOID, pgtype.NameOID}},
	formTexts:  {"text[]", []uint32{pgtype.TextArrayOID, pgtype.VarcharArrayOID, pgtype.BPCharArrayOID}},
	formNumber: {"integer", []uint32{pgtype.Int2OID, pgtype.Int4OID, pgtype.Int8OID}},
	formFlag:   {"boolean", []uint32{pgtype.BoolOID}},
	formTime:   {"timestamp with time zone", []uint32{pgtype.TimestamptzOID}},
}

// checkTypes refuses columns of another type than the contract's, and values in
// another form than the binary one: they would be read as something else.
func checkTypes(view string, fields []pgconn.FieldDescription) error {
	for _, f := range fields {
		if f.Format != pgx.BinaryFormatCode {
			return fmt.Errorf("read rdds.%s: the values of column %s come as text, although their binary form was asked for", view, f.Name)
		}
		if want := types[forms[f.Name]]; !slices.Contains(want.oids, f.DataTypeOID) {
			return fmt.Errorf("%w: column %s of rdds.%s is not of type %s", errContent, f.Name, view, want.name)
		}
	}
	return nil
}
