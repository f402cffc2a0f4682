package sops

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"filippo.io/age"
	"filippo.io/age/armor"
	"go.yaml.in/yaml/v3"

	"github.com/cyan-cd/cyan/internal/problem"
)

// writer encrypts as SOPS does, so that tests can have files of every kind.
type writer struct {
	key []byte
	sum io.Writer
	mac func() string
}

func newWriter(t *testing.T, start string) *writer {
	t.Helper()
	w := &writer{key: make([]byte, 32)}
	if _, err := rand.Read(w.key); err != nil {
		t.Fatal(err)
	}
	sum := sha512.New()
	first, err := hex.DecodeString(start)
	if err != nil {
		t.Fatal(err)
	}
	sum.Write(first)
	w.sum, w.mac = sum, func() string { return fmt.Sprintf("%X", sum.Sum(nil)) }
	return w
}

func (w *writer) seal(t *testing.T, plain, kind, with string) string {
	t.Helper()
	block, err := aes.NewCipher(w.key)
	if err != nil {
		t.Fatal(err)
	}
	gcm, err := cipher.NewGCMWithNonceSize(block, 32)
	if err != nil {
		t.Fatal(err)
	}
	iv := make([]byte, 32)
	if _, err := rand.Read(iv); err != nil {
		t.Fatal(err)
	}
	out := gcm.Seal(nil, iv, []byte(plain), []byte(with))
	b64 := base64.StdEncoding.EncodeToString
	return fmt.Sprintf("ENC[AES256_GCM,data:%s,iv:%s,tag:%s,type:%s]", b64(out[:len(out)-16]), b64(iv), b64(out[len(out)-16:]), kind)
}

// value seals a value and adds it to the sum.
func (w *writer) value(t *testing.T, plain, kind, path string) string {
	t.Helper()
	_, _ = io.WriteString(w.sum, plain)
	return w.seal(t, plain, kind, path+":")
}

// clear adds a value that is not encrypted to the sum.
func (w *writer) clear(values ...string) {
	for _, v := range values {
		_, _ = io.WriteString(w.sum, v)
	}
}

func (w *writer) enc(t *testing.T, to age.Recipient) string {
	t.Helper()
	var b bytes.Buffer
	armored := armor.NewWriter(&b)
	sealed, err := age.Encrypt(armored, to)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sealed.Write(w.key); err != nil {
		t.Fatal(err)
	}
	if err := sealed.Close(); err != nil {
		t.Fatal(err)
	}
	if err := armored.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

const modified = "2026-01-02T03:04:05Z"

func (w *writer) metadata(t *testing.T, to age.Recipient, more string) string {
	t.Helper()
	return "sops:\n    age:\n        - recipient: someone\n          enc: |\n            " + strings.ReplaceAll(strings.TrimSpace(w.enc(t, to)), "\n", "\n            ") +
		"\n    lastmodified: \"" + modified + "\"\n    mac: " + w.seal(t, w.mac(), "str", modified) + "\n    version: 3.9.0\n" + more
}

func identity(t *testing.T) (*age.X25519Identity, Keys) {
	t.Helper()
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	keys, err := ParseKeys("# a comment\n" + id.String() + "\n")
	if err != nil {
		t.Fatal(err)
	}
	return id, keys
}

const onlyData = "    encrypted_regex: ^(data|stringData)$\n"

// secret is a Secret whose stringData is encrypted, in a file with another document.
func secret(t *testing.T, to age.Recipient) string {
	t.Helper()
	w := newWriter(t, "")
	w.clear("v1", "Secret", "db", "3", "True")
	password, port := w.value(t, "correct: \"horse\"\nbattery", "str", "stringData:password"), w.value(t, "5432", "int", "stringData:port")
	text := "apiVersion: v1\nkind: Secret\nmetadata:\n    name: db\n    replicas: 3\n    immutable: true\nstringData:\n    password: " + password + "\n    port: " + port + "\n    empty: \"\"\n"
	return text + w.metadata(t, to, onlyData)
}

func TestDecrypt(t *testing.T) {
	id, keys := identity(t)
	got, err := keys.Decrypt("a.yaml", []byte(secret(t, id.Recipient())))
	if err != nil {
		t.Fatal(err)
	}
	const want = "apiVersion: v1\nkind: Secret\nmetadata:\n    name: db\n    replicas: 3\n    immutable: true\nstringData:\n    password: \"correct: \\\"horse\\\"\\nbattery\"\n    port: 5432\n    empty: \"\"\n"
	if strings.TrimRight(string(got), "\n") != strings.TrimRight(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestTheSumMayBeOverEncryptedValuesAlone(t *testing.T) {
	id, keys := identity(t)
	w := newWriter(t, macOnlyEncrypted)
	text := "kind: Secret\ndata: " + w.value(t, "x", "str", "data") + "\n" + w.metadata(t, id.Recipient(), onlyData+"    mac_only_encrypted: true\n")
	if got, err := keys.Decrypt("a.yaml", []byte(text)); err != nil || !strings.HasPrefix(string(got), "kind: Secret\ndata: \"x\"\n") {
		t.Errorf("got %s and %v", got, err)
	}
}

func TestJSON(t *testing.T) {
	id, keys := identity(t)
	w := newWriter(t, "")
	w.clear("Secret")
	value := w.value(t, `a"b`, "str", "data:k")
	meta := fmt.Sprintf(`{"age": [{"enc": %q}], "lastmodified": %q, "mac": %q, "encrypted_regex": "^data$"}`, w.enc(t, id.Recipient()), modified, w.seal(t, w.mac(), "str", modified))
	text := fmt.Sprintf(`{"kind": "Secret", "data": {"k": %q}, "sops": %s}`, value, meta)
	if got, err := keys.Decrypt("a.json", []byte(text)); err != nil || string(got) != `{"data":{"k":"a\"b"},"kind":"Secret"}` {
		t.Errorf("got %s and %v", got, err)
	}
	w = newWriter(t, "")
	value = w.value(t, "whole\nfile", "str", "data")
	meta = fmt.Sprintf(`{"age": [{"enc": %q}], "lastmodified": %q, "mac": %q}`, w.enc(t, id.Recipient()), modified, w.seal(t, w.mac(), "str", modified))
	if got, err := keys.Decrypt("key.pem", fmt.Appendf(nil, `{"data": %q, "sops": %s}`, value, meta)); err != nil || string(got) != "whole\nfile" {
		t.Errorf("a whole file: got %s and %v", got, err)
	}
}

// What is not in order is refused, and no message has a secret in it.
func TestRefused(t *testing.T) {
	id, keys := identity(t)
	other, _ := identity(t)
	good := secret(t, id.Recipient())
	for name, c := range map[string]struct {
		keys Keys
		text string
		want string
	}{
		"no key":                     {Keys{}, good, "a.yaml: encrypted with SOPS; age key not found; give it in SOPS_AGE_KEY_FILE"},
		"another key":                {keys, secret(t, other.Recipient()), "none of the age keys opens it"},
		"a value that was changed":   {keys, strings.Replace(good, "name: db", "name: evil", 1), "values were changed, added or removed after it was encrypted"},
		"a value that was added":     {keys, strings.Replace(good, "metadata:\n", "metadata:\n    more: x\n", 1), "values were changed, added or removed"},
		"a value in another place":   {keys, strings.Replace(good, "    port: ENC", "    prot: ENC", 1), "value of stringData.prot: changed after it was encrypted"},
		"a value in clear":           {keys, strings.Replace(good, "empty: \"\"", "empty: horse", 1), "value of stringData.empty: not encrypted"},
		"no sum":                     {keys, strings.Replace(good, "    mac: ENC", "    cam: ENC", 1), "checksum: not encrypted"},
		"another time":               {keys, strings.Replace(good, modified, "2027-01-02T03:04:05Z", 1), "checksum: changed after it was encrypted"},
		"no age":                     {keys, strings.Replace(good, "    age:", "    pgp:", 1), "only single age keys are served"},
		"groups of keys":             {keys, good + "    key_groups: [{}]\n", "only single age keys are served"},
		"rules for comments":         {keys, good + "    encrypted_comment_regex: x\n", "rules for comments are not served"},
		"an expression that is none": {keys, strings.Replace(good, "^(data|stringData)$", "'('", 1), "SOPS metadata has an invalid expression"},
		"a dotenv file":              {keys, "A=ENC[AES256_GCM,data:x]\nsops_mac=ENC[AES256_GCM,data:x]\n", "dotenv files of it are not served"},
		"no YAML":                    {keys, "a: b\n c: horse ENC[AES256_GCM,\nsops: {}\n", "the file is invalid YAML"},
		"metadata that is none":      {keys, "a: ENC[AES256_GCM,\nsops: [a]\n", "SOPS metadata is damaged"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := c.keys.Decrypt("a.yaml", []byte(c.text))
			p := problem.Of(err)
			if p == nil || p.Kind != problem.Usage || !strings.Contains(err.Error(), c.want) || p.Remedy == "" {
				t.Fatalf("got %v, want %s", err, c.want)
			}
			if strings.Contains(err.Error(), "horse") || strings.Contains(err.Error(), "remove") && strings.Contains(p.Remedy, "sops") {
				t.Errorf("%v shows a secret, or has what is encrypted applied", err)
			}
		})
	}
}

func TestWhatIsNotEncryptedStays(t *testing.T) {
	for _, text := range []string{"", "a: b\n", "sops: {a: b}\n", "a: ENC[AES256_GCM,\n", "notes: 'sops: ENC[AES256_GCM,'\n", "- ENC[AES256_GCM,\n- 'sops:'\n"} {
		if got, err := (Keys{}).Decrypt("a.yaml", []byte(text)); err != nil || string(got) != text {
			t.Errorf("%q: got %q and %v", text, got, err)
		}
	}
}

func TestKeys(t *testing.T) {
	id, keys := identity(t)
	if _, again := identity(t); keys.Fingerprint() == "" || keys.Fingerprint() == again.Fingerprint() || strings.Contains(keys.Fingerprint(), id.String()) {
		t.Errorf("the fingerprint %q names no keys, or shows them", keys.Fingerprint())
	}
	if none, err := ParseKeys("", " \n"); err != nil || none.Fingerprint() != "" {
		t.Errorf("no keys: %v, %v", none, err)
	}
	const bad = "AGE-SECRET-KEY-1WRONG"
	if _, err := ParseKeys(bad); err == nil || strings.Contains(err.Error(), bad) {
		t.Errorf("an invalid key: %v, which must not show it", err)
	}
}

// FuzzDecrypt: whatever a file has, it is decrypted, kept or refused.
func FuzzDecrypt(f *testing.F) {
	f.Add([]byte("a: ENC[AES256_GCM,data:a,iv:a,tag:a,type:str]\nsops: {age: [{enc: x}], mac: x}\n"))
	f.Add([]byte(`{"data": "ENC[AES256_GCM,", "sops": {"age": [{"enc": "x"}]}}`))
	id, err := age.GenerateX25519Identity()
	if err != nil {
		f.Fatal(err)
	}
	keys, err := ParseKeys(id.String())
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, err := keys.Decrypt("a.yaml", data); err != nil && problem.KindOf(err) != problem.Usage {
			t.Errorf("%v is no refusal", err)
		}
	})
}

// Files that the program sops 3.13 has made are opened, and mean what they meant before.
func TestFilesOfTheProgramItself(t *testing.T) {
	read := func(name string) []byte {
		data, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	keys, err := ParseKeys(string(read("key.txt")))
	if err != nil {
		t.Fatal(err)
	}
	documents := func(data []byte) (all []any) {
		decoder := yaml.NewDecoder(bytes.NewReader(data))
		for {
			var doc any
			if decoder.Decode(&doc) != nil {
				return all
			}
			all = append(all, doc)
		}
	}
	for _, name := range []string{"secret.yaml", "whole.yaml"} {
		got, err := keys.Decrypt(name, read(name))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if want := documents(read("plain.yaml")); !reflect.DeepEqual(documents(got), want) {
			t.Errorf("%s: got\n%s\nwant\n%v", name, got, want)
		}
	}
}
