package registry

import "time"

// Time is a moment in microseconds since 1970-01-01T00:00:00Z, the resolution
// of both registry databases. 0 means that there is none.
type Time int64

// The years that the contract allows are 1970 to 9999.
const MaxTime Time = 253402300799999999

// TimeOf returns t as a Time, 0 for the zero t.
func TimeOf(t time.Time) Time {
	if t.IsZero() {
		return 0
	}
	return Time(t.UnixMicro())
}

// Std returns t as a time.Time in UTC.
func (t Time) Std() time.Time { return time.UnixMicro(int64(t)).UTC() }

// Minute returns t rounded down to the whole minute.
func (t Time) Minute() Time {
	const minute = Time(time.Minute / time.Microsecond)
	return t - t%minute
}

// Append appends t as YYYY-MM-DDThh:mm:ssZ, whole seconds, the form of WHOIS
// and RDAP. It does not allocate.
func (t Time) Append(dst []byte) []byte {
	secs := int64(t) / 1e6
	days, rest := secs/86400, secs%86400
	if rest < 0 {
		days, rest = days-1, rest+86400
	}
	year, month, day := civil(days)
	dst = append(dst, byte('0'+year/1000%10), byte('0'+year/100%10), byte('0'+year/10%10), byte('0'+year%10), '-')
	dst = append2(dst, month)
	dst = append(dst, '-')
	dst = append2(dst, day)
	dst = append(dst, 'T')
	dst = append2(dst, int(rest/3600))
	dst = append(dst, ':')
	dst = append2(dst, int(rest/60%60))
	dst = append(dst, ':')
	dst = append2(dst, int(rest%60))
	return append(dst, 'Z')
}

// String returns what Append appends.
func (t Time) String() string { return string(t.Append(nil)) }

func append2(dst []byte, n int) []byte { return append(dst, byte('0'+n/10), byte('0'+n%10)) }

// civil turns days since 1970-01-01 into a date of the Gregorian calendar, by
// the arithmetic of an era of 400 years that begins on 1 March. It is four
// times quicker than time.Time.AppendFormat (BenchmarkTimeAppend), and an
// answer holds three to five dates.
func civil(days int64) (year, month, day int) {
	z := days + 719468
	era := z / 146097
	if z < 0 {
		era = (z - 146096) / 146097
	}
	doe := z - era*146097
	yoe := (doe - doe/1460 + doe/36524 - doe/146096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	day = int(doy - (153*mp+2)/5 + 1)
	month = int(mp + 3)
	if mp >= 10 {
		month = int(mp - 9)
	}
	year = int(yoe + era*400)
	if month <= 2 {
		year++
	}
	return year, month, day
}
