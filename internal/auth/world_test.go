package auth

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// memory are Objects that a test has written.
type memory struct {
	mu         sync.Mutex
	configMaps map[string]map[string]string
	secrets    map[string]Secret
	projects   map[string]*v1alpha1.AppProject
	// fail is returned by every call.
	fail error
}

func (m *memory) ConfigMap(_ context.Context, name string) (map[string]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.configMaps[name]), m.fail
}

func (m *memory) Secret(_ context.Context, name string) (Secret, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return Secret{m.secrets[name].Labels, maps.Clone(m.secrets[name].Data)}, m.fail
}

func (m *memory) Project(_ context.Context, name string) (*v1alpha1.AppProject, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.projects[name].DeepCopy(), m.fail
}

func (m *memory) UpdateConfigMap(_ context.Context, name string, change func(map[string]string) error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	data := maps.Clone(m.configMaps[name])
	if data == nil {
		data = map[string]string{}
	}
	if err := errors.Join(m.fail, change(data)); err != nil {
		return err
	}
	m.configMaps[name] = data
	return nil
}

func (m *memory) UpdateSecret(_ context.Context, name string, change func(map[string][]byte) error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	data := maps.Clone(m.secrets[name].Data)
	if data == nil {
		data = map[string][]byte{}
	}
	if err := errors.Join(m.fail, change(data)); err != nil {
		return err
	}
	m.secrets[name] = Secret{m.secrets[name].Labels, data}
	return nil
}

func (m *memory) UpdateProject(_ context.Context, name string, change func(*v1alpha1.AppProject) error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	project := m.projects[name].DeepCopy()
	if project == nil {
		return errors.New("not found")
	}
	if err := errors.Join(m.fail, change(project)); err != nil {
		return err
	}
	m.projects[name] = project
	return nil
}

func (m *memory) DeleteSecret(_ context.Context, name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.secrets, name)
	return m.fail
}

// world is an installation with accounts, and a clock that a test moves.
type world struct {
	t *testing.T
	*memory
	*Authenticator
	now time.Time
}

const adminPassword, alicePassword = "correct horse", "battery staple"

// quick is a hash that costs a test little.
func quick(t testing.TB, password string) []byte {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	return hash
}

// newWorld has the accounts admin, alice and ci, and the project shop with a role; settings are added to argocd-cm.
func newWorld(t *testing.T, settings ...string) *world {
	t.Helper()
	config := map[string]string{"accounts.alice": "login, apiKey", "accounts.ci": "apiKey", "accounts.off": "login, apiKey", "accounts.off.enabled": "false", "accounts.empty": "login"}
	for i := 0; i+1 < len(settings); i += 2 {
		config[settings[i]] = settings[i+1]
	}
	w := &world{t: t, now: time.Date(2026, 5, 4, 12, 0, 0, 500, time.UTC)}
	project := &v1alpha1.AppProject{}
	project.Name = "shop"
	project.Spec.Roles = []runtime.RawExtension{{Raw: []byte(`{"name":"ci","kept":"as it is","policies":["p, proj:shop:ci, applications, sync, shop/*, allow"]}`)}}
	w.memory = &memory{
		configMaps: map[string]map[string]string{ConfigName: config},
		secrets: map[string]Secret{SecretName: {Data: map[string][]byte{
			signingKey: []byte("0123456789abcdef0123456789abcdef"), "admin.password": quick(t, adminPassword), "admin.passwordMtime": []byte("2026-01-01T00:00:00Z"),
			"accounts.alice.password": quick(t, alicePassword), "accounts.alice.passwordMtime": []byte("2026-01-01T00:00:00Z"), "accounts.off.password": quick(t, alicePassword),
		}}},
		projects: map[string]*v1alpha1.AppProject{"shop": project},
	}
	w.restart()
	return w
}

// restart puts a new server on what is kept.
func (w *world) restart() {
	w.Authenticator = New(Options{Objects: w.memory, Now: func() time.Time { return w.now }, Cookies: Cookies{Path: "/"}})
}

func (w *world) pass(d time.Duration) { w.now = w.now.Add(d) }

func (w *world) set(key, value string) {
	w.configMaps[ConfigName][key] = value
}

func request(change ...func(*http.Request)) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.RemoteAddr = "192.0.2.7:4711"
	for _, c := range change {
		c(r)
	}
	return r
}

func from(address string) func(*http.Request) {
	return func(r *http.Request) { r.RemoteAddr = address + ":4711" }
}

func withBearer(token string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
}

func withCookies(cookies []*http.Cookie) func(*http.Request) {
	return func(r *http.Request) {
		for _, c := range cookies {
			r.AddCookie(c)
		}
	}
}

// login begins a session that has to begin.
func (w *world) login(name, password string) Session {
	w.t.Helper()
	s, err := w.Login(request(), Credentials{name, password})
	if err != nil {
		w.t.Fatalf("log-in of %s: %v", name, err)
	}
	return s
}

// holds reports whether a token holds.
func (w *world) holds(token string) bool {
	w.t.Helper()
	_, err := w.Verify(w.t.Context(), token)
	if err != nil && !errors.Is(err, ErrToken) {
		w.t.Fatal(err)
	}
	return err == nil
}

func (w *world) ends(what, token string) {
	w.t.Helper()
	if w.holds(token) {
		w.t.Errorf("%s: the token still holds", what)
	}
}

func (w *world) stays(what, token string) {
	w.t.Helper()
	if _, err := w.Verify(w.t.Context(), token); err != nil {
		w.t.Errorf("%s: %v (%s), want that the token holds", what, err, ReasonOf(err))
	}
}

func texts[E error](all []E) []string {
	var found []string
	for _, e := range all {
		found = append(found, e.Error())
	}
	slices.Sort(found)
	return found
}

func cookieNamed(cookies []*http.Cookie, name string) *http.Cookie {
	if i := slices.IndexFunc(cookies, func(c *http.Cookie) bool { return c.Name == name }); i >= 0 {
		return cookies[i]
	}
	return nil
}

func has(text string, parts ...string) bool {
	return !slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains(text, part) })
}
