package secret

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// userInfo finds what stands before @ in a URL. Where a slash of a password was not encoded, what looks like a port is
// none, and the @ is further on.
var userInfo = regexp.MustCompile(`(?i)([a-z][a-z0-9+.-]*://)([^/?#\s]*|[^/?#\s:@\[]*:[^/?#\s@"]*[^0-9/?#\s@"][^\s"]*)@`)

// WithoutCredentials returns a text without what stands before @ in its URLs; the user of ssh stays, who is no secret.
func WithoutCredentials(text string) string {
	if !strings.Contains(text, "://") {
		return text
	}
	return userInfo.ReplaceAllStringFunc(text, func(found string) string {
		m := userInfo.FindStringSubmatch(found)
		if strings.EqualFold(m[1], "ssh://") {
			user, _, _ := strings.Cut(m[2], ":")
			return m[1] + user + "@"
		}
		return m[1]
	})
}

// WithoutCredentialsIn returns a value as JSON has it, with the URLs in its texts without credentials. The value stays
// as it is.
func WithoutCredentialsIn(value any) any {
	switch v := value.(type) {
	case string:
		return WithoutCredentials(v)
	case map[string]any:
		shown := make(map[string]any, len(v))
		for name, below := range v {
			shown[name] = WithoutCredentialsIn(below)
		}
		return shown
	case []any:
		shown := make([]any, len(v))
		for i, below := range v {
			shown[i] = WithoutCredentialsIn(below)
		}
		return shown
	}
	return value
}

// ShownJSON returns an object as JSON, with the URLs in it without credentials.
func ShownJSON(object any) ([]byte, error) {
	whole, err := json.Marshal(object)
	if err != nil || !mayHaveCredentials(whole) {
		return whole, err
	}
	decoder := json.NewDecoder(bytes.NewReader(whole))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, err
	}
	return json.Marshal(WithoutCredentialsIn(value))
}

// mayHaveCredentials reports whether a text of JSON has a URL with an @ behind it: most have none, and are not looked
// at any closer.
func mayHaveCredentials(text []byte) bool {
	for {
		_, rest, found := bytes.Cut(text, []byte("://"))
		if !found {
			return false
		}
		for i := 0; i < len(rest) && rest[i] != '"' && rest[i] != ' '; i++ {
			switch rest[i] {
			case '@':
				return true
			case '\\':
				i++
			}
		}
		text = rest
	}
}

// namesRepositories reports whether an object is of a group whose objects name repositories by URLs.
func namesRepositories(object *unstructured.Unstructured) bool {
	return object != nil && object.GroupVersionKind().Group == "argoproj.io"
}

// withoutCredentials returns an object whose URLs have no credentials: the object itself where they have none.
func withoutCredentials(object *unstructured.Unstructured) *unstructured.Unstructured {
	if text, err := json.Marshal(object.Object); err == nil && !mayHaveCredentials(text) {
		return object
	}
	shown, _ := WithoutCredentialsIn(object.Object).(map[string]any)
	return &unstructured.Unstructured{Object: shown}
}
