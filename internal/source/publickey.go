package source

import (
	"bytes"
	"crypto/sha1" //nolint:gosec // the fingerprints of keys of version 4 are made by it
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// PublicKey is a gpg key by which somebody signs.
type PublicKey struct {
	// ID is 16 hexadecimal digits in upper case; Fingerprint, 40.
	ID, Fingerprint string
	// Algorithm is as gpg calls it, such as rsa4096 and ed25519.
	Algorithm string
	// UserID is the first name that the key carries; "" for none.
	UserID string
	// Armored is the key alone, as text.
	Armored string
}

const (
	armorBegin = "-----BEGIN PGP PUBLIC KEY BLOCK-----"
	armorEnd   = "-----END PGP PUBLIC KEY BLOCK-----"
	// maxKeyText bounds the text of keys.
	maxKeyText = 1 << 20
)

// ParsePublicKeys reads the gpg keys in armored text. Nothing of them is verified: what they are trusted for is decided
// by who adds them.
func ParsePublicKeys(text string) ([]PublicKey, error) {
	if len(text) > maxKeyText {
		return nil, fmt.Errorf("text is longer than %d bytes", maxKeyText)
	}
	var all []PublicKey
	for {
		_, rest, found := strings.Cut(text, armorBegin)
		if !found {
			break
		}
		block, after, ended := strings.Cut(rest, armorEnd)
		if !ended {
			return nil, errors.New("line " + armorEnd + " is missing")
		}
		packets, err := dearmor(block)
		if err == nil {
			all, err = appendKeys(all, packets)
		}
		if err != nil {
			return nil, err
		}
		text = after
	}
	if len(all) == 0 {
		return nil, errors.New("no public key found: its text begins with " + armorBegin)
	}
	return all, nil
}

// dearmor returns what stands in an armored block: headers, an empty line, base64, and perhaps a checksum.
func dearmor(block string) ([]byte, error) {
	block = strings.ReplaceAll(strings.TrimLeft(block, " \t\r"), "\r\n", "\n")
	_, body, found := strings.Cut(block, "\n\n")
	if !found {
		return nil, errors.New("empty line after the headers of the key is missing")
	}
	var encoded strings.Builder
	for line := range strings.Lines(body) {
		if line = strings.TrimSpace(line); !strings.HasPrefix(line, "=") {
			encoded.WriteString(line)
		}
	}
	packets, err := base64.StdEncoding.DecodeString(encoded.String())
	if err != nil {
		return nil, fmt.Errorf("key is not base64: %w", err)
	}
	return packets, nil
}

// The packets of a key that matter.
const (
	packetPublicKey = 6
	packetUserID    = 13
)

// appendKeys reads the keys of a sequence of packets. A key is its own packet and all that follow, up to the next key.
func appendKeys(all []PublicKey, packets []byte) ([]PublicKey, error) {
	var key *PublicKey
	var text []byte
	end := func() {
		if key != nil {
			key.Armored = armored(text)
			all = append(all, *key)
		}
	}
	for len(packets) > 0 {
		tag, body, size, err := nextPacket(packets)
		if err != nil {
			return nil, err
		}
		switch {
		case tag == packetPublicKey:
			end()
			if key, err = readPublicKey(body); err != nil {
				return nil, err
			}
			text = nil
		case key == nil:
			return nil, errors.New("text does not begin with a public key")
		case tag == packetUserID && key.UserID == "":
			key.UserID = strings.ToValidUTF8(string(body), "�")
		}
		text = append(text, packets[:size]...)
		packets = packets[size:]
	}
	end()
	return all, nil
}

var errCutOff = errors.New("key is cut off")

// nextPacket reads the header of the first packet; size is that of header and body.
func nextPacket(data []byte) (tag int, body []byte, size int, err error) {
	header, length := 0, 0
	switch first := data[0]; {
	case first&0x80 == 0:
		return 0, nil, 0, errors.New("key is damaged: a packet has no header")
	case first&0x40 == 0:
		tag = int(first >> 2 & 0xf)
		header, length, err = oldLength(data)
	default:
		tag = int(first & 0x3f)
		header, length, err = newLength(data)
	}
	if err == nil && length > len(data)-header {
		err = errCutOff
	}
	if err != nil {
		return 0, nil, 0, err
	}
	return tag, data[header : header+length], header + length, nil
}

func oldLength(data []byte) (header, length int, err error) {
	switch kind := data[0] & 3; {
	case kind == 0 && len(data) > 1:
		return 2, int(data[1]), nil
	case kind == 1 && len(data) > 2:
		return 3, int(binary.BigEndian.Uint16(data[1:])), nil
	case kind == 2 && len(data) > 4:
		return 5, int(binary.BigEndian.Uint32(data[1:])), nil
	}
	return 0, 0, errCutOff
}

func newLength(data []byte) (header, length int, err error) {
	const twoOctets, partial, fiveOctets = 192, 224, 255
	switch {
	case len(data) > 1 && data[1] < twoOctets:
		return 2, int(data[1]), nil
	case len(data) > 2 && data[1] < partial:
		return 3, int(data[1]-twoOctets)<<8 + int(data[2]) + twoOctets, nil
	case len(data) > 5 && data[1] == fiveOctets:
		return 6, int(binary.BigEndian.Uint32(data[2:])), nil
	}
	return 0, 0, errCutOff
}

// readPublicKey reads the packet of a key of version 4.
func readPublicKey(body []byte) (*PublicKey, error) {
	const version, algorithmAt, materialAt = 4, 5, 6
	if len(body) < materialAt+2 {
		return nil, errCutOff
	}
	if body[0] != version {
		return nil, fmt.Errorf("key has version %d; make one of version %d", body[0], version)
	}
	prefix := binary.BigEndian.AppendUint16([]byte{0x99}, uint16(len(body))) //nolint:gosec // longer ones are cut off as gpg does
	sum := sha1.Sum(append(prefix, body...))                                 //nolint:gosec // as the format has it
	fingerprint := strings.ToUpper(hex.EncodeToString(sum[:]))
	return &PublicKey{
		ID: fingerprint[len(fingerprint)-16:], Fingerprint: fingerprint, Algorithm: algorithmName(body[algorithmAt], binary.BigEndian.Uint16(body[materialAt:])),
	}, nil
}

// algorithmName is what gpg calls an algorithm with keys of some bits.
func algorithmName(algorithm byte, bits uint16) string {
	switch algorithm {
	case 1, 2, 3:
		return fmt.Sprint("rsa", bits)
	case 17:
		return fmt.Sprint("dsa", bits)
	case 19:
		return "ecdsa"
	case 22, 27:
		return "ed25519"
	case 28:
		return "ed448"
	}
	return fmt.Sprint("algorithm ", algorithm)
}

// armored is a key as text.
func armored(packets []byte) string {
	const width = 64
	encoded := base64.StdEncoding.EncodeToString(packets)
	var b bytes.Buffer
	b.WriteString(armorBegin + "\n\n")
	for len(encoded) > width {
		b.WriteString(encoded[:width] + "\n")
		encoded = encoded[width:]
	}
	sum := checksum(packets)
	b.WriteString(encoded + "\n=" + base64.StdEncoding.EncodeToString([]byte{byte(sum >> 16), byte(sum >> 8), byte(sum)}) + "\n" + armorEnd + "\n")
	return b.String()
}

// checksum is the CRC-24 of armored text.
func checksum(data []byte) uint32 {
	const start, polynomial, overflow = 0xb704ce, 0x1864cfb, 0x1000000
	sum := uint32(start)
	for _, b := range data {
		sum ^= uint32(b) << 16
		for range 8 {
			if sum <<= 1; sum&overflow != 0 {
				sum ^= polynomial
			}
		}
	}
	return sum & 0xffffff
}
