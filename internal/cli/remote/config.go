package remote

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/cyan-cd/cyan/internal/problem"
)

// CoreAddress stands in the file for the cluster of the kubeconfig, which is no server.
const CoreAddress = "kubernetes"

// Config is the file that existing tools keep log-ins in. What it has beyond what is read here stays.
type Config struct {
	path   string
	fields map[string]any
}

// Context is a log-in.
type Context struct{ Name, Server, User string }

// DefaultPath returns where the file is: in ARGOCD_CONFIG_DIR, in ~/.argocd where that is there, else among the user's
// configurations.
func DefaultPath() string {
	if dir := os.Getenv("ARGOCD_CONFIG_DIR"); dir != "" {
		return filepath.Join(dir, "config")
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return ""
	}
	if old := filepath.Join(home, ".argocd", "config"); exists(old) {
		return old
	}
	if dir := os.Getenv("XDG_CONFIG_HOME"); dir != "" {
		return filepath.Join(dir, "argocd", "config")
	}
	return filepath.Join(home, ".config", "argocd", "config")
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// ReadConfig reads the file; one that is missing is empty.
func ReadConfig(path string) (*Config, error) {
	c := &Config{path: path, fields: map[string]any{}}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) || path == "" {
		return c, nil
	}
	if err == nil {
		err = yaml.Unmarshal(data, &c.fields)
	}
	if err != nil {
		return nil, &problem.Error{Kind: problem.Usage, Object: path, Cause: err.Error(), Remedy: "correct or remove it, or use the kubeconfig with --core", Err: err}
	}
	if c.fields == nil {
		c.fields = map[string]any{}
	}
	return c, nil
}

// Write writes the file, for its owner alone and as a whole.
func (c *Config) Write() error {
	data, err := yaml.Marshal(c.fields)
	if err != nil {
		return err
	}
	if err := c.write(data); err != nil {
		return &problem.Error{Kind: problem.Failed, Object: c.path, Cause: err.Error(), Remedy: "name another file with --config", Err: err}
	}
	return nil
}

func (c *Config) write(data []byte) error {
	if c.path == "" {
		return errors.New("no home directory")
	}
	dir := filepath.Dir(c.path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	part, err := os.CreateTemp(dir, ".config-")
	if err != nil {
		return err
	}
	_, err = part.Write(data)
	if err = errors.Join(err, part.Chmod(0o600), part.Close()); err == nil {
		err = os.Rename(part.Name(), c.path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(part.Name()))
	}
	return nil
}

func (c *Config) list(key string) []map[string]any {
	raw, _ := c.fields[key].([]any)
	var all []map[string]any
	for _, item := range raw {
		if entry, ok := item.(map[string]any); ok {
			all = append(all, entry)
		}
	}
	return all
}

func (c *Config) find(key, by, value string) map[string]any {
	for _, entry := range c.list(key) {
		if entry[by] == value {
			return entry
		}
	}
	return nil
}

// put sets fields of the entry of a list that has a value by a key, which is made when it is missing.
func (c *Config) put(key, by, value string, fields map[string]any) {
	entry := c.find(key, by, value)
	if entry == nil {
		entry = map[string]any{by: value}
		raw, _ := c.fields[key].([]any)
		c.fields[key] = append(raw, entry)
	}
	for name, field := range fields {
		entry[name] = field
	}
}

func (c *Config) drop(key, by, value string) {
	raw, _ := c.fields[key].([]any)
	c.fields[key] = slices.DeleteFunc(raw, func(item any) bool {
		entry, ok := item.(map[string]any)
		return ok && entry[by] == value
	})
}

func text(entry map[string]any, key string) string {
	value, _ := entry[key].(string)
	return value
}

func flag(entry map[string]any, key string) bool {
	value, _ := entry[key].(bool)
	return value
}

// Contexts returns the log-ins.
func (c *Config) Contexts() []Context {
	var all []Context
	for _, entry := range c.list("contexts") {
		all = append(all, Context{text(entry, "name"), text(entry, "server"), text(entry, "user")})
	}
	return all
}

// Current returns the name of the log-in that is used.
func (c *Config) Current() string { return text(c.fields, "current-context") }

// Use has a log-in be used from now on.
func (c *Config) Use(name string) error {
	if c.find("contexts", "name", name) == nil {
		return c.missing(name)
	}
	c.fields["current-context"] = name
	return nil
}

func (c *Config) missing(name string) error {
	var there []string
	for _, context := range c.Contexts() {
		there = append(there, context.Name)
	}
	p := &problem.Error{Kind: problem.Absent, Object: fmt.Sprintf("context %q", name), Cause: "not found in " + c.path, Remedy: "log in first"}
	if len(there) > 0 {
		p.Remedy = "there are: " + strings.Join(there, ", ")
	}
	return p
}

// Server returns the server of a log-in, the current one for ""; false where it is the kubeconfig's cluster, or there
// is none.
func (c *Config) Server(name string) (Server, bool, error) {
	if name == "" {
		if name = c.Current(); name == "" {
			return Server{}, false, nil
		}
	}
	context := c.find("contexts", "name", name)
	if context == nil {
		return Server{}, false, c.missing(name)
	}
	address := text(context, "server")
	entry, user := c.find("servers", "server", address), c.find("users", "name", text(context, "user"))
	if address == CoreAddress || flag(entry, "core") {
		return Server{}, false, nil
	}
	s, err := ParseAddress(address)
	if err != nil {
		return s, false, err
	}
	s.Insecure, s.Plain, s.Root, s.Token = flag(entry, "insecure"), s.Plain || flag(entry, "plain-text"), strings.Trim(text(entry, "grpc-web-root-path"), "/"), text(user, "auth-token")
	if authority := text(entry, "certificate-authority-data"); authority != "" {
		return s, false, &problem.Error{Kind: problem.Refused, Object: c.path, Field: "certificate-authority-data", Cause: "not served", Remedy: "give the certificate's file by --server-crt"}
	}
	return s, true, nil
}

// Login keeps a log-in under a name, and has it be used.
func (c *Config) Login(name string, s Server) {
	c.put("servers", "server", s.Address, map[string]any{"insecure": s.Insecure, "plain-text": s.Plain, "grpc-web-root-path": s.Root})
	c.put("users", "name", name, map[string]any{"auth-token": s.Token})
	c.put("contexts", "name", name, map[string]any{"server": s.Address, "user": name})
	c.fields["current-context"] = name
}

// LoginCore has the cluster of the kubeconfig be used.
func (c *Config) LoginCore(name string) {
	c.put("servers", "server", CoreAddress, map[string]any{"core": true})
	c.put("users", "name", name, nil)
	c.put("contexts", "name", name, map[string]any{"server": CoreAddress, "user": name})
	c.fields["current-context"] = name
}

// Logout forgets the token of a log-in.
func (c *Config) Logout(name string) error {
	context := c.find("contexts", "name", name)
	if context == nil {
		return c.missing(name)
	}
	if user := c.find("users", "name", text(context, "user")); user != nil {
		delete(user, "auth-token")
		delete(user, "refresh-token")
	}
	return nil
}

// Delete forgets a log-in whole.
func (c *Config) Delete(name string) error {
	context := c.find("contexts", "name", name)
	if context == nil {
		return c.missing(name)
	}
	server, user := text(context, "server"), text(context, "user")
	c.drop("contexts", "name", name)
	if c.find("contexts", "server", server) == nil {
		c.drop("servers", "server", server)
	}
	if c.find("contexts", "user", user) == nil {
		c.drop("users", "name", user)
	}
	if c.Current() == name {
		c.fields["current-context"] = ""
	}
	return nil
}
