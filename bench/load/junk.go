package load

import "bytes"

// lineJunk is what arrives on port 43 and is no query (assumed): nothing, too
// much, binary, HTTP, TLS. Each ends with a line end, as a server waits for one.
func lineJunk() [][]byte {
	// A client hello of 200 bytes. Its random value has a line feed in it, as three
	// of five have.
	hello := append([]byte{0x16, 0x03, 0x01, 0x00, 0xc3, 0x01, 0x00, 0x00, 0xbf, 0x03, 0x03}, bytes.Repeat([]byte{0xa7}, 189)...)
	hello[40] = '\n'
	return [][]byte{
		[]byte("\r\n"),
		append(bytes.Repeat([]byte("a"), 10<<10), "\r\n"...),
		[]byte("\x00\x01\x02\xff\xfe\xfd\x80\x81\r\n"),
		[]byte("GET / HTTP/1.1\r\nHost: whois.example\r\n\r\n"),
		hello,
	}
}

// pathJunk is what is asked of an RDAP server below its base and is no query
// (assumed).
func pathJunk() [][]byte {
	return [][]byte{
		[]byte("domain/%ff%fe"),
		[]byte("domain/" + string(bytes.Repeat([]byte("a"), 300)) + ".example"),
		[]byte("wp-login.php"),
		[]byte("domain/..%2f..%2fetc%2fpasswd"),
		[]byte("ip/192.0.2.1"),
	}
}
