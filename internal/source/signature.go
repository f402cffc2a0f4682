package source

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/cyan-cd/cyan/internal/problem"
)

// SignerKeys are the public keys that signatures are checked against. A signature by any other key counts for nothing.
type SignerKeys struct {
	// GPG are ASCII-armored public keys, as the values of ConfigMap argocd-gpg-keys-cm have them.
	GPG []string
	// SSH are lines of ssh-keygen's allowed_signers format, as git's gpg.ssh.allowedSignersFile has them.
	SSH string
}

// SignatureState is what became of checking a signature.
type SignatureState string

// The states of signatures. Only SignatureGood is proof of anything.
const (
	// SignatureGood is the signature of one of the keys.
	SignatureGood SignatureState = "Good"
	// SignatureBad is one that does not fit what is signed, or that is more than one.
	SignatureBad SignatureState = "Bad"
	// SignatureExpired is one of a key that has expired or was revoked, or that has expired itself.
	SignatureExpired SignatureState = "Expired"
	// SignatureUnknown is one of a key that is none of those given, or of a kind that is not checked.
	SignatureUnknown SignatureState = "UnknownKey"
	// SignatureNone is no signature at all.
	SignatureNone SignatureState = "Unsigned"
)

// Signature is who signed a commit or an annotated tag.
type Signature struct {
	// Object is the SHA of what was checked, and Kind commit or tag.
	Object, Kind string
	State        SignatureState
	// Method is gpg or ssh, or empty.
	Method string
	// KeyID is the key that signed: for gpg 16 hexadecimal digits in upper case, for ssh SHA256:…. PrimaryKeyID is the gpg
	// key of which it is a subkey, or itself. Both are known for a good signature.
	KeyID, PrimaryKeyID string
	// Signer is the user ID of a gpg key or the principal of an ssh key.
	Signer string
}

// SignedBy reports whether the signature is good and of one of some keys, by their IDs: of gpg at least 16 hexadecimal
// digits, of ssh the fingerprint.
func (s Signature) SignedBy(keyIDs []string) bool {
	const longID = 16
	return s.State == SignatureGood && slices.ContainsFunc(keyIDs, func(id string) bool {
		if s.Method == "ssh" {
			return id != "" && id == s.KeyID
		}
		id = strings.ToUpper(strings.TrimPrefix(strings.TrimSpace(id), "0x"))
		if len(id) < longID {
			return false
		}
		id = id[len(id)-longID:]
		return id == s.KeyID || id == s.PrimaryKeyID
	})
}

// String returns the state for a sentence: "commit 0123456 is not signed".
func (s Signature) String() string {
	what := s.Kind + " " + s.Object[:min(len(s.Object), 7)]
	by := s.Method + " key " + s.KeyID
	if s.Signer != "" {
		by += " (" + s.Signer + ")"
	}
	switch s.State {
	case SignatureGood:
		return what + " is signed with " + by
	case SignatureExpired:
		return what + " is signed with " + by + ", which has expired or was revoked"
	case SignatureUnknown:
		if s.KeyID == "" {
			return what + " is signed with a key that is not known"
		}
		return what + " is signed with " + by + ", which is not known"
	case SignatureBad:
		return what + " has a signature that does not fit it"
	}
	return what + " is not signed"
}

// Signature checks what a revision names, at the commit that it was resolved to: an annotated tag by its own signature,
// all else by that of the commit. An error means that it could not be checked, and is never to be taken for a good
// signature.
func (m *Mirrors) Signature(ctx context.Context, repo Repository, revision, sha string, keys SignerKeys) (Signature, error) {
	r, err := m.remote(repo)
	if err != nil {
		return Signature{}, err
	}
	if !objectName.MatchString(sha) {
		return Signature{}, newError(ErrRefused, r.name, fmt.Sprintf("%.100q is not a full commit SHA", sha), "resolve the revision first")
	}
	if _, err := r.ensureCommit(ctx, sha, ""); err != nil {
		return Signature{}, err
	}
	object, err := r.signedObject(ctx, revision, sha)
	if err != nil {
		return Signature{}, err
	}
	return r.checkSignature(ctx, object, keys)
}

// signedObject returns the annotated tag that a revision names if it is one of the commit, else the commit.
func (r hostedRepo) signedObject(ctx context.Context, revision, sha string) (objectInfo, error) {
	name, object, ok := r.knownRefs().find(revision)
	if tag := r.knownRefs().tips[name]; ok && object == sha && tag != object && strings.HasPrefix(name, "refs/tags/") {
		if _, err := r.ensureCommit(ctx, tag, name); err != nil {
			return objectInfo{}, err
		}
		sha = tag
	}
	info, err := r.objects.info(ctx, sha)
	if err != nil {
		return objectInfo{}, r.checkCorrupt(sha, err)
	}
	return info, nil
}

// signatureMarks are the first lines of signatures, and by what they are checked.
var signatureMarks = []struct{ line, method string }{
	{"-----BEGIN PGP SIGNATURE-----", "gpg"}, {"-----BEGIN PGP MESSAGE-----", "gpg"}, {"-----BEGIN SSH SIGNATURE-----", "ssh"}, {"-----BEGIN SIGNED MESSAGE-----", "x509"},
}

// signatureMethod returns by what a commit or tag is signed; "" when it is not.
func signatureMethod(kind string, data []byte) string {
	text := "\n" + string(data)
	if kind == "commit" {
		header, _, _ := strings.Cut(text, "\n\n")
		_, signature, _ := strings.Cut(header, "\ngpgsig ")
		text = "\n" + signature
	}
	for _, m := range signatureMarks {
		at := strings.LastIndex(text, "\n"+m.line)
		if at >= 0 && (kind == "tag" || at == 0) {
			return m.method
		}
	}
	return ""
}

func (r hostedRepo) checkSignature(ctx context.Context, object objectInfo, keys SignerKeys) (Signature, error) {
	s := Signature{Object: object.name, Kind: object.kind, State: SignatureNone}
	config, env, err := r.store.signing(ctx, keys)
	if err != nil {
		return Signature{}, fmt.Errorf("checking the signature of %s %s: %w", s.Kind, s.Object, err)
	}
	const largest = 4 << 20
	_, data, err := r.objects.contents(ctx, object.name, largest)
	if err != nil {
		return Signature{}, r.checkCorrupt(object.name, err)
	}
	s.Method = signatureMethod(s.Kind, data)
	switch {
	case s.Method == "":
		return s, nil
	case s.Method == "gpg" && len(keys.GPG) == 0, s.Method == "ssh" && strings.TrimSpace(keys.SSH) == "", s.Method == "x509":
		s.State = SignatureUnknown
		return s, nil
	}
	call := gitCall{dir: r.dir, args: []string{"verify-" + s.Kind, "--raw", object.name}, config: config, env: env, timeout: time.Minute}
	said, passed, err := r.store.git.verdict(ctx, call)
	if err != nil {
		return Signature{}, fmt.Errorf("repository %s: checking the signature of %s %s: %w", r.name, s.Kind, s.Object, err)
	}
	if s.Method == "ssh" {
		s.judgeSSH(said)
	} else {
		s.judgeGPG(said)
	}
	if s.State == SignatureGood && !passed {
		s.State = SignatureBad
	}
	return s, nil
}

// verdict returns what git says of a signature, and whether it passed.
func (g *gitProgram) verdict(ctx context.Context, c gitCall) (said string, passed bool, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, c.timeout, tookTooLong(c.timeout))
	defer cancel()
	cmd := g.command(ctx, c)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return "", false, context.Cause(ctx)
	case err != nil && !errors.As(err, &exit):
		return "", false, err
	}
	return string(out), err == nil, nil
}

// judgeGPG reads gpg's status lines, of which exactly one tells of a signature.
func (s *Signature) judgeGPG(status string) {
	states := map[string]SignatureState{
		"GOODSIG": SignatureGood, "BADSIG": SignatureBad, "ERRSIG": SignatureUnknown, "EXPSIG": SignatureExpired, "EXPKEYSIG": SignatureExpired, "REVKEYSIG": SignatureExpired,
	}
	s.State = SignatureBad
	found, valid := 0, false
	const longID = 16
	for line := range strings.Lines(status) {
		rest, ok := strings.CutPrefix(strings.TrimSpace(line), "[GNUPG:] ")
		fields := strings.Fields(rest)
		if !ok || len(fields) < 2 {
			continue
		}
		if state, tells := states[fields[0]]; tells {
			found++
			s.State, s.KeyID = state, strings.ToUpper(fields[1][max(0, len(fields[1])-longID):])
			if fields[0] != "ERRSIG" {
				s.Signer = strings.Join(fields[2:], " ")
			}
		}
		if last := fields[len(fields)-1]; fields[0] == "VALIDSIG" && len(last) >= longID {
			valid = true
			s.PrimaryKeyID = strings.ToUpper(last[len(last)-longID:])
		}
	}
	if found != 1 || s.State == SignatureGood && !valid {
		s.State = SignatureBad
	}
}

// goodSSH is what ssh-keygen says of a signature by a key that is allowed for somebody, and anySSH of any that fits.
var (
	goodSSH = regexp.MustCompile(`(?m)^Good "git" signature for (\S.*) with \S+ key (SHA256:\S+)$`)
	anySSH  = regexp.MustCompile(`(?m)^Good "git" signature with \S+ key (SHA256:\S+)$`)
)

func (s *Signature) judgeSSH(said string) {
	s.State = SignatureBad
	if m := goodSSH.FindStringSubmatch(said); m != nil {
		s.State, s.Signer, s.KeyID, s.PrimaryKeyID = SignatureGood, m[1], m[2], m[2]
	} else if m := anySSH.FindStringSubmatch(said); m != nil {
		s.State, s.KeyID = SignatureUnknown, m[1]
	}
}

// signing prepares the programs that check signatures, with no keys but those given.
func (s *mirrorStore) signing(ctx context.Context, keys SignerKeys) ([]gitSetting, []string, error) {
	config := []gitSetting{{"gpg.program", os.DevNull}, {"gpg.x509.program", os.DevNull}, {"gpg.ssh.program", os.DevNull}, {"gpg.minTrustLevel", "undefined"}}
	var env []string
	if len(keys.GPG) > 0 {
		program, err := needs("gpg", "gnupg")
		if err != nil {
			return nil, nil, err
		}
		home, err := s.keyring(ctx, program, keys.GPG)
		if err != nil {
			return nil, nil, err
		}
		config, env = append(config, gitSetting{"gpg.program", program}), append(env, "GNUPGHOME="+home)
	}
	if strings.TrimSpace(keys.SSH) != "" {
		program, err := needs("ssh-keygen", "openssh-client")
		if err != nil {
			return nil, nil, err
		}
		file, err := s.kept("signers", keys.SSH, func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "allowed_signers"), []byte(keys.SSH+"\n"), 0o600)
		})
		if err != nil {
			return nil, nil, err
		}
		config = append(config, gitSetting{"gpg.ssh.program", program}, gitSetting{"gpg.ssh.allowedSignersFile", filepath.Join(file, "allowed_signers")})
	}
	return config, env, nil
}

func needs(program, debian string) (string, error) {
	path, err := exec.LookPath(program)
	if err != nil {
		return "", &problem.Error{Kind: problem.Refused, Object: "program " + program, Cause: "not found, and signatures cannot be checked without it", Remedy: "install " + debian + " on the machine of the server", Err: err}
	}
	return path, nil
}

// keyring returns the home directory of a gpg that knows some keys and no others, and asks no server.
func (s *mirrorStore) keyring(ctx context.Context, program string, keys []string) (string, error) {
	keys = slices.Sorted(maps.Keys(setOf(keys)))
	return s.kept("gpg", strings.Join(keys, "\x00"), func(dir string) error {
		if err := os.WriteFile(filepath.Join(dir, "gpg.conf"), []byte("batch\nno-tty\nno-autostart\nno-auto-key-retrieve\ndisable-dirmngr\ntrust-model always\n"), 0o600); err != nil {
			return err
		}
		for i, key := range keys {
			cmd := exec.CommandContext(ctx, program, "--homedir", dir, "--import")
			cmd.Env = []string{"LC_ALL=C", "PATH=" + os.Getenv("PATH")}
			cmd.Stdin = strings.NewReader(key)
			if out, err := cmd.CombinedOutput(); err != nil {
				return &problem.Error{Kind: problem.Usage, Object: fmt.Sprintf("gpg key %d of %d", i+1, len(keys)), Cause: "not read: " + gitMessage(string(out)), Remedy: "give an ASCII-armored public key", Err: err}
			}
		}
		return nil
	})
}

func setOf(texts []string) map[string]bool {
	set := map[string]bool{}
	for _, t := range texts {
		set[t] = true
	}
	return set
}

// kept returns a directory that only this user reads, named after what is in it. make fills it once.
func (s *mirrorStore) kept(prefix, content string, make func(dir string) error) (string, error) {
	sum := sha256.Sum256([]byte(content))
	dir := filepath.Join(s.secretsDir(), prefix+"-"+hex.EncodeToString(sum[:12]))
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	fresh, err := os.MkdirTemp(s.secretsDir(), prefix+"-new-")
	if err != nil {
		return "", fmt.Errorf("making a place for keys: %w", err)
	}
	defer os.RemoveAll(fresh)
	if err := make(fresh); err != nil {
		return "", err
	}
	if err := os.Rename(fresh, dir); err != nil {
		if _, there := os.Stat(dir); there != nil {
			return "", fmt.Errorf("making a place for keys: %w", err)
		}
	}
	return dir, nil
}
