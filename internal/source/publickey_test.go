package source_test

import (
	"os"
	"strings"
	"testing"

	"github.com/cyan-cd/cyan/internal/source"
)

// twoKeys is one armored block with two keys, as gpg exports them.
func twoKeys(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile("testdata/keys/two.asc")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestParsePublicKeys(t *testing.T) {
	want := []source.PublicKey{
		{ID: "0AD41D13CA30D0F3", Fingerprint: "F14567ACE299476FC151C0F00AD41D13CA30D0F3", Algorithm: "ed25519", UserID: "Ada ed25519 <ada-ed25519@example.com>"},
		{ID: "D257C82D0ECAE63A", Fingerprint: "62106A91E9ED9FE1FE5C0C95D257C82D0ECAE63A", Algorithm: "rsa2048", UserID: "Ada rsa2048 <ada-rsa2048@example.com>"},
	}
	for rule, text := range map[string]string{
		"a block with two keys":          twoKeys(t),
		"lines that end as on Windows":   strings.ReplaceAll(twoKeys(t), "\n", "\r\n"),
		"words before and after a block": "from ada:\n" + twoKeys(t) + "bye\n",
		"headers":                        strings.Replace(twoKeys(t), "BLOCK-----\n", "BLOCK-----\nVersion: 1\nComment: x\n", 1),
	} {
		got, err := source.ParsePublicKeys(text)
		if err != nil || len(got) != len(want) {
			t.Errorf("%s: got %v, %v", rule, got, err)
			continue
		}
		for i, key := range got {
			alone, err := source.ParsePublicKeys(key.Armored)
			if err != nil || len(alone) != 1 || alone[0] != key {
				t.Errorf("%s: key %s by itself: got %v, %v", rule, key.ID, alone, err)
			}
			if key.Armored = ""; key != want[i] {
				t.Errorf("%s: got %+v, want %+v", rule, key, want[i])
			}
		}
	}
}

func TestKeysThatCannotBeRead(t *testing.T) {
	const begin, end = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n", "-----END PGP PUBLIC KEY BLOCK-----\n"
	for _, c := range []struct{ rule, text, want string }{
		{"nothing", "", "no public key found"},
		{"a private key", "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nAAAA\n-----END PGP PRIVATE KEY BLOCK-----\n", "no public key found"},
		{"no end", begin + "\nAAAA\n", "is missing"},
		{"no empty line", begin + "AAAA\n" + end, "empty line after the headers"},
		{"no base64", begin + "\n!\n" + end, "key is not base64"},
		{"no packet", begin + "\nAAAA\n" + end, "a packet has no header"},
		{"a name without a key", begin + "\ntAFh\n" + end, "does not begin with a public key"},
		{"a packet longer than the text", begin + "\nmDME\n" + end, "key is cut off"},
		{"a header without its length", begin + "\nmQ==\n" + end, "key is cut off"},
		{"a packet of parts", begin + "\nxuEA\n" + end, "key is cut off"},
		{"another version", begin + "\nmAgGAAAAAAEAAA==\n" + end, "key has version 6"},
		{"too long", strings.Repeat("x", 1<<20+1), "longer than"},
	} {
		if got, err := source.ParsePublicKeys(c.text); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, %v, want %q", c.rule, got, err, c.want)
		}
	}
}

func FuzzParsePublicKeys(f *testing.F) {
	f.Add(twoKeys(f))
	f.Add("-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nxuEA\n-----END PGP PUBLIC KEY BLOCK-----\n")
	f.Fuzz(func(t *testing.T, text string) {
		keys, err := source.ParsePublicKeys(text)
		for _, key := range keys {
			if again, err := source.ParsePublicKeys(key.Armored); err != nil || len(again) != 1 || again[0].ID != key.ID {
				t.Errorf("key %s by itself: got %v, %v", key.ID, again, err)
			}
		}
		if (err == nil) != (len(keys) > 0) {
			t.Errorf("got %v, %v", keys, err)
		}
	})
}
