package source

import (
	"bytes"
	"cmp"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"

	"k8s.io/utils/lru"

	"github.com/cyan-cd/cyan/internal/problem"
)

// GitHubApp lets in an app that is installed on a GitHub organization. Its tokens are for an hour.
type GitHubApp struct {
	// ID and InstallationID are numbers.
	ID, InstallationID string
	// PrivateKey is an RSA key in PEM.
	PrivateKey string
	// APIURL is that of a GitHub Enterprise server, such as https://ghe.example/api/v3; empty for github.com.
	APIURL string
}

const gitHubAPI = "https://api.github.com"

// appTokens are the tokens that GitHub has given, until they expire.
type appTokens struct {
	mu sync.Mutex
	// byApp has an *appToken for each fingerprint of credentials.
	byApp *lru.Cache
	now   func() time.Time
}

// appToken is the token of one installation. Its lock is held by who asks for a new one; the others wait for that.
type appToken struct {
	mu      sync.Mutex
	token   string
	expires time.Time
}

// maxApps is how many installations have their tokens kept.
const maxApps = 1024

func newAppTokens() *appTokens { return &appTokens{byApp: lru.New(maxApps), now: time.Now} }

// token returns a token that is good for a while.
func (t *appTokens) token(ctx context.Context, c Credentials, client *http.Client) (string, error) {
	key := c.fingerprint(nil)
	t.mu.Lock()
	found, _ := t.byApp.Get(key)
	known, ok := found.(*appToken)
	if !ok {
		known = &appToken{}
		t.byApp.Add(key, known)
	}
	t.mu.Unlock()

	known.mu.Lock()
	defer known.mu.Unlock()
	const reserve = 10 * time.Minute // more than a fetch needs to begin
	now := t.now()
	if known.token != "" && now.Add(reserve).Before(known.expires) {
		return known.token, nil
	}
	fresh, err := askForToken(ctx, c.GitHubApp, client, now)
	if err != nil {
		return "", err
	}
	known.token, known.expires = fresh.Token, fresh.ExpiresAt
	return known.token, nil
}

type installationToken struct {
	Token     string    `json:"token"`
	ExpiresAt time.Time `json:"expires_at"`
}

var decimal = regexp.MustCompile(`^[0-9]{1,20}$`)

// askForToken proves to GitHub that this is the app, and gets a token for the installation.
func askForToken(ctx context.Context, app GitHubApp, client *http.Client, now time.Time) (installationToken, error) {
	for key, value := range map[string]string{"githubAppID": app.ID, "githubAppInstallationID": app.InstallationID} {
		if !decimal.MatchString(value) {
			return installationToken{}, appProblem(ErrRefused, key+" is missing, or no number", "set it in the repository's Secret")
		}
	}
	proof, err := appProof(app, now)
	if err != nil {
		return installationToken{}, appProblem(ErrRefused, "githubAppPrivateKey: "+err.Error(), "set the RSA key in PEM that GitHub gave for the app")
	}
	base, err := url.Parse(strings.TrimSuffix(cmp.Or(app.APIURL, gitHubAPI), "/"))
	if err != nil || base.Scheme != "https" && base.Scheme != "http" || base.Host == "" || base.User != nil {
		return installationToken{}, appProblem(ErrRefused, "githubAppEnterpriseBaseUrl is invalid", "set the URL of the server's API, such as https://ghe.example/api/v3")
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, base.JoinPath("app", "installations", app.InstallationID, "access_tokens").String(), http.NoBody)
	if err != nil {
		return installationToken{}, err
	}
	request.Header.Set("Accept", "application/vnd.github+json")
	request.Header.Set("Authorization", "Bearer "+proof)
	answer, err := client.Do(request)
	if err != nil {
		if p := problem.Of(err); p != nil {
			return installationToken{}, p
		}
		return installationToken{}, appProblem(ErrUnreachable, "GitHub's API does not answer", "check the network and githubAppEnterpriseBaseUrl")
	}
	defer answer.Body.Close()
	return readToken(answer)
}

// readToken reads the answer of GitHub's API. What it says besides is not repeated.
func readToken(answer *http.Response) (installationToken, error) {
	const largest = 1 << 20
	body, err := io.ReadAll(io.LimitReader(answer.Body, largest))
	switch {
	case answer.StatusCode >= http.StatusInternalServerError || answer.StatusCode == http.StatusTooManyRequests || err != nil:
		return installationToken{}, appProblem(ErrUnreachable, fmt.Sprintf("GitHub's API answers with status %d", answer.StatusCode), "check the status of the service")
	case answer.StatusCode != http.StatusCreated:
		return installationToken{}, appProblem(ErrDenied, fmt.Sprintf("GitHub's API answers with status %d", answer.StatusCode), "check githubAppID, githubAppInstallationID and githubAppPrivateKey, and that the app is installed")
	}
	var token installationToken
	if err := json.Unmarshal(body, &token); err != nil || token.Token == "" || strings.ContainsAny(token.Token, "\r\n\x00") {
		return installationToken{}, appProblem(ErrDenied, "GitHub's API gives no token", "check githubAppEnterpriseBaseUrl")
	}
	return token, nil
}

func appProblem(is error, cause, remedy string) error {
	return newError(is, "GitHub App", cause, remedy)
}

// appProof returns a JSON Web Token by which the app proves who it is, for some minutes.
func appProof(app GitHubApp, now time.Time) (string, error) {
	key, err := rsaKey(app.PrivateKey)
	if err != nil {
		return "", err
	}
	const skew, life = time.Minute, 8 * time.Minute // GitHub allows ten minutes in all
	claims, err := json.Marshal(map[string]any{"iat": now.Add(-skew).Unix(), "exp": now.Add(life).Unix(), "iss": app.ID})
	if err != nil {
		return "", err
	}
	var text bytes.Buffer
	text.WriteString(base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"RS256","typ":"JWT"}`)) + "." + base64.RawURLEncoding.EncodeToString(claims))
	sum := sha256.Sum256(text.Bytes())
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	if err != nil {
		return "", errors.New("key cannot sign")
	}
	return text.String() + "." + base64.RawURLEncoding.EncodeToString(signature), nil
}

func rsaKey(text string) (*rsa.PrivateKey, error) {
	block, _ := pem.Decode([]byte(strings.TrimSpace(text)))
	if block == nil {
		return nil, errors.New("not in PEM")
	}
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if key, ok := parsed.(*rsa.PrivateKey); ok && err == nil {
		return key, nil
	}
	return nil, errors.New("not an RSA key")
}

// apiClient reaches the API of a host as git reaches its repositories.
func (s *mirrorStore) apiClient(c Credentials) (*http.Client, error) {
	transport := &http.Transport{
		Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true, TLSHandshakeTimeout: 20 * time.Second,
		TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: c.Insecure}, //nolint:gosec // as the Secret asks
	}
	if c.CA != "" {
		transport.TLSClientConfig.RootCAs = x509.NewCertPool()
		transport.TLSClientConfig.RootCAs.AppendCertsFromPEM([]byte(c.CA))
	}
	if c.Proxy != "" {
		proxy, err := url.Parse(c.Proxy)
		if err != nil {
			return nil, errors.New("proxy is not a URL")
		}
		transport.Proxy = http.ProxyURL(proxy)
	}
	if !s.opts.OwnConfiguration && c.Proxy == "" {
		transport.DialContext = func(ctx context.Context, _, address string) (net.Conn, error) {
			host, port, err := net.SplitHostPort(address)
			if err != nil {
				return nil, err
			}
			return s.networks.dial(ctx, host, port)
		}
	}
	const patience = 30 * time.Second
	return &http.Client{Transport: transport, Timeout: patience, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}, nil
}
