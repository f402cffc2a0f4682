package auth

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/cyan-cd/cyan/internal/access"
)

// TestTheClassOfOddTokens: what libraries for tokens have been brought down or deceived by is refused as any other
// token that proves nothing, at once and without much memory, whether it says that it is this server's or an issuer's.
func TestTheClassOfOddTokens(t *testing.T) {
	w, p := newOIDCWorld(t, nil)
	part := func(value any) string {
		text, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(text)
	}
	public := map[string]any{"kty": "EC", "crv": "P-256", "x": part("x"), "y": part("y")}
	for _, issuer := range []string{LocalIssuer, p.URL} {
		claims := p.claims()
		claims["iss"] = issuer
		payload := part(claims)
		good := p.sign(claims)
		signature := good[strings.LastIndex(good, ".")+1:]
		headed := func(header map[string]any) string {
			token := jwt.NewWithClaims(jwt.SigningMethodES256, claims)
			maps.Copy(token.Header, header)
			text, err := token.SignedString(p.key)
			if err != nil {
				t.Fatal(err)
			}
			return text
		}
		for what, token := range map[string]string{
			"a password that is stretched for ever":        part(map[string]any{"alg": "PBES2-HS256+A128KW", "enc": "A128GCM", "p2c": 1 << 30, "p2s": "x"}) + ".x.x." + payload + ".x",
			"content that unpacks to any size":             part(map[string]any{"alg": "dir", "enc": "A128GCM", "zip": "DEF"}) + "..x." + payload + ".x",
			"a wrapped key that is empty":                  part(map[string]any{"alg": "A128KW", "enc": "A128GCM"}) + "..x." + payload + ".x",
			"a point that is on no curve":                  part(map[string]any{"alg": "ECDH-ES", "enc": "A128GCM", "epk": public}) + "..x." + payload + ".x",
			"dots":                                         strings.Repeat(".", longestToken),
			"dots behind a header":                         part(map[string]any{"alg": "ES256"}) + strings.Repeat(".", longestToken/2),
			"several signatures":                           `{"payload":"` + payload + `","signatures":[{"protected":"` + part(map[string]any{"alg": "none"}) + `","signature":""}]}`,
			"a key that it brings itself":                  headed(map[string]any{"kid": "mine", "jwk": public}),
			"a key at an address":                          headed(map[string]any{"kid": "mine", "jku": "http://127.0.0.1:1/keys", "x5u": "http://127.0.0.1:1/c"}),
			"a key in a file":                              headed(map[string]any{"kid": "../../../../dev/null"}),
			"none, in letters that are not looked for":     part(map[string]any{"alg": "nOnE"}) + "." + payload + ".",
			"no algorithm":                                 part(map[string]any{"typ": "JWT"}) + "." + payload + "." + signature,
			"the issuer's public key as a password":        part(map[string]any{"alg": "HS256", "kid": "k"}) + "." + payload + "." + signature,
			"what is critical to it and unknown to others": headed(map[string]any{"kid": "mine", "crit": []string{"b64"}, "b64": false}),
			"a header that is a list":                      part([]int{1}) + "." + payload + "." + signature,
			"claims that are a number":                     part(map[string]any{"alg": "ES256", "kid": "k"}) + "." + part(1) + "." + signature,
			"nested deeply":                                base64.RawURLEncoding.EncodeToString([]byte(strings.Repeat("[", 5000))) + "." + payload + ".x",
		} {
			if id, err := w.Authenticate(request(withBearer(token))); !errors.Is(err, ErrToken) || id.LoggedIn() {
				t.Errorf("%s, of %s: got %+v, %v", what, issuer, id, err)
			}
			if most := 2000.0; testing.AllocsPerRun(3, func() { _, _ = w.Verify(t.Context(), token) }) > most {
				t.Errorf("%s, of %s: more than %v allocations", what, issuer, most)
			}
		}
	}
	// Nor is one read that is longer than any that is given out, whoever has signed it.
	long, err := sign(w.secrets[SecretName].Data[signingKey], ownClaims(LocalIssuer, "admin:login", access.Token{ID: strings.Repeat("x", longestToken), IssuedAt: w.now.Unix(), ExpiresAt: w.now.Add(time.Hour).Unix()}))
	if err != nil {
		t.Fatal(err)
	}
	w.ends("a long one of this server's own key", long)
	w.stays("the token that those are made of", p.sign(p.claims()))
}
