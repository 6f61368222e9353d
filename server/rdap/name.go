package rdap

// appendNames appends the members ldhName and, for an IDN, unicodeName (RFC 9083
// §3). uname is its U-label form, "" if it has none.
func appendNames(dst []byte, name, uname string) []byte {
	dst = appendMember(dst, `,"ldhName":`, name)
	return appendMember(dst, `,"unicodeName":`, uname)
}
