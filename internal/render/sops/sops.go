// Package sops decrypts files that were encrypted by SOPS with age keys: YAML and JSON, whole files in JSON too.
//
// It knows the format of the files and nothing of the program: that one brings the clients of five clouds with it.
package sops

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"filippo.io/age"
	"filippo.io/age/armor"
	"go.yaml.in/yaml/v3"

	"github.com/cyan-cd/cyan/internal/problem"
)

// Keys are the age keys that files may be encrypted to.
type Keys struct {
	identities  []age.Identity
	fingerprint string
}

// ParseKeys reads age keys, one a line; lines that begin with # are comments.
func ParseKeys(texts ...string) (Keys, error) {
	var keys Keys
	sum := sha256.New()
	for _, text := range texts {
		if strings.TrimSpace(text) == "" {
			continue
		}
		identities, err := age.ParseIdentities(strings.NewReader(text))
		if err != nil {
			// The error may have the key in it.
			return Keys{}, errors.New("not an age key: give lines that begin with AGE-SECRET-KEY-1")
		}
		keys.identities = append(keys.identities, identities...)
		sum.Write([]byte(text))
	}
	if len(keys.identities) > 0 {
		keys.fingerprint = hex.EncodeToString(sum.Sum(nil))
	}
	return keys, nil
}

// Fingerprint names the keys, and tells nothing of them; "" when there are none.
func (k Keys) Fingerprint() string { return k.fingerprint }

// With returns both keys.
func (k Keys) With(other Keys) Keys {
	if len(other.identities) == 0 {
		return k
	}
	return Keys{slices.Concat(k.identities, other.identities), k.fingerprint + other.fingerprint}
}

// metadata is what SOPS adds to a file.
type metadata struct {
	Age []struct {
		Enc string `yaml:"enc"`
	} `yaml:"age"`
	KeyGroups               []any  `yaml:"key_groups"`
	LastModified            string `yaml:"lastmodified"`
	MAC                     string `yaml:"mac"`
	UnencryptedSuffix       string `yaml:"unencrypted_suffix"`
	EncryptedSuffix         string `yaml:"encrypted_suffix"`
	UnencryptedRegex        string `yaml:"unencrypted_regex"`
	EncryptedRegex          string `yaml:"encrypted_regex"`
	UnencryptedCommentRegex string `yaml:"unencrypted_comment_regex"`
	EncryptedCommentRegex   string `yaml:"encrypted_comment_regex"`
	MACOnlyEncrypted        bool   `yaml:"mac_only_encrypted"`
}

const metadataKey = "sops"

// IsEncrypted reports whether a file looks like one that SOPS has encrypted.
func IsEncrypted(data []byte) bool {
	return bytes.Contains(data, []byte("ENC[AES256_GCM,")) && (bytes.Contains(data, []byte(metadataKey+":")) || bytes.Contains(data, []byte(`"`+metadataKey+`"`)) || bytes.Contains(data, []byte(dotenvMark)))
}

const dotenvMark = "sops_mac="

// Decrypt returns a file as it was before it was encrypted. Its lines stay where they are in YAML. A file that is not
// encrypted is returned as it is.
func (k Keys) Decrypt(name string, data []byte) ([]byte, error) {
	refuse := func(cause, remedy string) error {
		return &problem.Error{Kind: problem.Usage, File: name, Cause: "encrypted with SOPS; " + cause, Remedy: remedy}
	}
	if !IsEncrypted(data) {
		return data, nil
	}
	if bytes.Contains(data, []byte(dotenvMark)) {
		return nil, refuse("dotenv files of it are not served", "encrypt the values as YAML or JSON")
	}
	docs, meta, err := load(data)
	switch {
	case err != nil:
		return nil, refuse(err.Error(), "encrypt it again")
	case meta == nil:
		return data, nil
	}
	if cause, remedy := k.unserved(meta); cause != "" {
		return nil, refuse(cause, remedy)
	}
	key, err := k.dataKey(meta)
	if err != nil {
		return nil, refuse("none of the age keys opens it", "encrypt it to one of their recipients, or add the key: SOPS_AGE_KEY_FILE, or Secret sops-age of the server's namespace")
	}
	d, err := newDecryption(key, meta)
	if err != nil {
		return nil, refuse(err.Error(), "encrypt it again")
	}
	for _, doc := range docs {
		if err := d.value(doc, nil); err != nil {
			return nil, refuse(err.Error(), "encrypt it again: it was changed afterwards, or is damaged")
		}
	}
	if err := d.checkMAC(meta); err != nil {
		return nil, refuse(err.Error(), "encrypt it again: it was changed afterwards, or is damaged")
	}
	plain, err := d.text(data, docs)
	if err != nil {
		return nil, refuse(err.Error(), "encrypt it again, with each value in one line")
	}
	return plain, nil
}

// unserved returns why a file with such metadata is not decrypted, and what to do; "" when it can be.
func (k Keys) unserved(meta *metadata) (cause, remedy string) {
	switch {
	case len(meta.Age) == 0 || len(meta.KeyGroups) > 0:
		return "only single age keys are served", "encrypt it to an age recipient, without key groups"
	case meta.UnencryptedCommentRegex != "" || meta.EncryptedCommentRegex != "":
		return "rules for comments are not served", "encrypt by the names of keys: encrypted_regex"
	case len(k.identities) == 0:
		return "age key not found", "give it in SOPS_AGE_KEY_FILE, or for a server in Secret sops-age of its namespace, under a name that ends in .agekey"
	}
	return "", ""
}

// load parses the documents of a file. The metadata is that of the first; nil when there is none.
func load(data []byte) (docs []*yaml.Node, meta *metadata, err error) {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var doc yaml.Node
		switch err := decoder.Decode(&doc); {
		case errors.Is(err, io.EOF):
			return docs, meta, nil
		case err != nil:
			// The text may have secrets in it.
			return nil, nil, errors.New("the file is invalid YAML")
		}
		if len(doc.Content) == 0 || doc.Content[0].Kind != yaml.MappingNode {
			continue
		}
		docs = append(docs, doc.Content[0])
		if at := fieldOf(doc.Content[0], metadataKey); at >= 0 && meta == nil {
			meta = &metadata{}
			if doc.Content[0].Content[at+1].Decode(meta) != nil {
				return nil, nil, errors.New("SOPS metadata is damaged")
			}
		}
	}
}

func fieldOf(n *yaml.Node, key string) int {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return i
		}
	}
	return -1
}

// dataKey opens the key of the values.
func (k Keys) dataKey(meta *metadata) ([]byte, error) {
	for _, to := range meta.Age {
		plain, err := age.Decrypt(armor.NewReader(strings.NewReader(to.Enc)), k.identities...)
		if err != nil {
			continue
		}
		const longest = 1024
		if key, err := io.ReadAll(io.LimitReader(plain, longest)); err == nil {
			return key, nil
		}
	}
	return nil, errors.New("none of the keys opens the file")
}

// decryption is the decryption of one file.
type decryption struct {
	block cipher.Block
	meta  *metadata
	// unencrypted and encrypted are the expressions of the metadata; nil when there is none.
	unencrypted, encrypted *regexp.Regexp
	mac                    hash.Hash
	// plain has the texts to be put in the place of those of the file.
	plain []replacement
}

type replacement struct{ old, with string }

// macOnlyEncrypted begins a sum over nothing but encrypted values, so that it is never one over all.
const macOnlyEncrypted = "8a3fd2ad54ce66527b1034f3d147be0b0b975b3bf44f72c6fdadec8176f27d69"

func newDecryption(key []byte, meta *metadata) (*decryption, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, errors.New("data key is damaged")
	}
	d := &decryption{block: block, meta: meta, mac: sha512.New()}
	for text, compiled := range map[string]**regexp.Regexp{meta.UnencryptedRegex: &d.unencrypted, meta.EncryptedRegex: &d.encrypted} {
		if text == "" {
			continue
		}
		if *compiled, err = regexp.Compile(text); err != nil {
			return nil, errors.New("SOPS metadata has an invalid expression")
		}
	}
	if meta.MACOnlyEncrypted {
		start, err := hex.DecodeString(macOnlyEncrypted)
		if err != nil {
			return nil, fmt.Errorf("beginning the sum: %w", err)
		}
		d.mac.Write(start)
	}
	return d, nil
}

// value decrypts a value, and what is in it, in place.
func (d *decryption) value(n *yaml.Node, path []string) error {
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			if len(path) == 0 && n.Content[i].Value == metadataKey {
				continue
			}
			if err := d.value(n.Content[i+1], append(slices.Clone(path), n.Content[i].Value)); err != nil {
				return err
			}
		}
	case yaml.SequenceNode:
		for _, c := range n.Content {
			if err := d.value(c, path); err != nil {
				return err
			}
		}
	case yaml.AliasNode:
		return errors.New("aliases are not served")
	case yaml.ScalarNode:
		return d.scalar(n, path)
	}
	return nil
}

func (d *decryption) scalar(n *yaml.Node, path []string) error {
	encrypted := d.isEncrypted(path)
	if n.Tag == "!!null" {
		return nil
	}
	if !encrypted || n.Value == "" {
		if !d.meta.MACOnlyEncrypted || encrypted {
			d.mac.Write(asSummed(n))
		}
		return nil
	}
	plain, kind, err := d.open(n.Value, strings.Join(path, ":")+":")
	if err != nil {
		return fmt.Errorf("value of %s: %w", strings.Join(path, "."), err)
	}
	if kind != "comment" {
		d.mac.Write([]byte(plain))
	}
	return d.replace(n, plain, kind)
}

// isEncrypted reports whether values at a path are encrypted, by the rules of the metadata; later ones count more.
func (d *decryption) isEncrypted(path []string) bool {
	any := func(is func(string) bool) bool { return slices.ContainsFunc(path, is) }
	encrypted := true
	if suffix := d.meta.UnencryptedSuffix; suffix != "" && any(func(p string) bool { return strings.HasSuffix(p, suffix) }) {
		encrypted = false
	}
	if suffix := d.meta.EncryptedSuffix; suffix != "" {
		encrypted = any(func(p string) bool { return strings.HasSuffix(p, suffix) })
	}
	if d.unencrypted != nil && any(d.unencrypted.MatchString) {
		encrypted = false
	}
	if d.encrypted != nil {
		encrypted = any(d.encrypted.MatchString)
	}
	return encrypted
}

// asSummed is how a value that is not encrypted counts in the sum.
func asSummed(n *yaml.Node) []byte {
	switch n.Tag {
	case "!!bool":
		if b := false; n.Decode(&b) == nil {
			return []byte(strings.ToUpper(strconv.FormatBool(b)[:1]) + strconv.FormatBool(b)[1:])
		}
	case "!!int":
		if i := 0; n.Decode(&i) == nil {
			return []byte(strconv.Itoa(i))
		}
	case "!!float":
		if f := 0.0; n.Decode(&f) == nil {
			return []byte(strconv.FormatFloat(f, 'f', -1, 64))
		}
	case "!!timestamp":
		var t time.Time
		if n.Decode(&t) == nil {
			if text, err := t.MarshalText(); err == nil {
				return text
			}
		}
	}
	return []byte(n.Value)
}

var sealed = regexp.MustCompile(`^ENC\[AES256_GCM,data:(.*),iv:(.+),tag:(.+),type:(\w+)\]$`)

// open decrypts a value; with is what it is bound to.
func (d *decryption) open(value, with string) (plain, kind string, err error) {
	m := sealed.FindStringSubmatch(value)
	if m == nil {
		return "", "", errors.New("not encrypted")
	}
	parts := make([][]byte, 3)
	for i := range parts {
		if parts[i], err = base64.StdEncoding.DecodeString(m[i+1]); err != nil || i == 1 && len(parts[i]) == 0 {
			return "", "", errors.New("damaged")
		}
	}
	gcm, err := cipher.NewGCMWithNonceSize(d.block, len(parts[1]))
	if err != nil {
		return "", "", errors.New("damaged")
	}
	opened, err := gcm.Open(nil, parts[1], append(parts[0], parts[2]...), []byte(with))
	if err != nil {
		return "", "", errors.New("changed after it was encrypted")
	}
	return string(opened), m[4], nil
}

// replace puts a decrypted value into a node, and notes where it goes in the text.
func (d *decryption) replace(n *yaml.Node, plain, kind string) error {
	quoted, err := json.Marshal(plain)
	if err != nil {
		return fmt.Errorf("encoding: %w", err)
	}
	with := string(quoted)
	switch kind {
	case "str", "bytes", "comment":
	case "bool":
		with = strings.ToLower(plain)
	case "int", "float", "time":
		with = plain
	default:
		return fmt.Errorf("unknown type %q", kind)
	}
	for _, quote := range []string{`"`, `'`} {
		d.plain = append(d.plain, replacement{quote + n.Value + quote, with})
	}
	d.plain = append(d.plain, replacement{n.Value, with})
	n.Value = plain
	return nil
}

// checkMAC compares the sum of the values with the one of the metadata.
func (d *decryption) checkMAC(meta *metadata) error {
	want, _, err := d.open(meta.MAC, meta.LastModified)
	if err != nil {
		return fmt.Errorf("checksum: %w", err)
	}
	if got := strings.ToUpper(hex.EncodeToString(d.mac.Sum(nil))); got != want {
		return errors.New("values were changed, added or removed after it was encrypted")
	}
	return nil
}

// text returns the file without metadata, with the decrypted values. A JSON file of data and metadata alone is a whole
// file that was encrypted.
func (d *decryption) text(data []byte, docs []*yaml.Node) ([]byte, error) {
	isJSON := json.Valid(data)
	if isJSON && len(docs) == 1 && len(docs[0].Content) == 4 {
		if at := fieldOf(docs[0], "data"); at >= 0 {
			return []byte(docs[0].Content[at+1].Value), nil
		}
	}
	pairs := make([]string, 0, 2*len(d.plain))
	for _, r := range d.plain {
		if r.old[0] == 'E' && !bytes.Contains(data, []byte(r.old)) {
			return nil, errors.New("a value stands in several lines")
		}
		pairs = append(pairs, r.old, r.with)
	}
	text := strings.NewReplacer(pairs...).Replace(string(data))
	if isJSON {
		var content map[string]json.RawMessage
		if err := json.Unmarshal([]byte(text), &content); err != nil {
			return nil, errors.New("encoding the decrypted file failed")
		}
		delete(content, metadataKey)
		return json.Marshal(content)
	}
	return withoutMetadata(text, docs), nil
}

// withoutMetadata empties the lines of the metadata, so that the others keep their numbers.
func withoutMetadata(text string, docs []*yaml.Node) []byte {
	lines := strings.SplitAfter(text, "\n")
	for _, doc := range docs {
		at := fieldOf(doc, metadataKey)
		if at < 0 {
			continue
		}
		first := doc.Content[at].Line
		for i := first - 1; i < len(lines); i++ {
			line := lines[i]
			if i >= first && line != "" && !strings.ContainsAny(line[:1], " \t\r\n#-") || strings.HasPrefix(line, "---") {
				break
			}
			lines[i] = "\n"
		}
	}
	return []byte(strings.Join(lines, ""))
}
