package skaffold

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"sigs.k8s.io/yaml"

	"github.com/cyan-cd/cyan/internal/problem"
)

// settings are what a user of the skaffold program has chosen for all projects. Fields of other programs are kept.
type settings struct {
	file     string
	Global   map[string]any   `json:"global,omitempty"`
	Contexts []map[string]any `json:"kubeContexts,omitempty"`
}

// contextKey is the name of a context in its settings.
const contextKey = "kube-context"

// readSettings reads a file of settings; "" is the user's own. None is no error.
func readSettings(file string) (*settings, error) {
	if file == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return &settings{}, nil
		}
		file = filepath.Join(home, ".skaffold", "config")
	}
	s := &settings{file: file}
	data, err := os.ReadFile(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return s, nil
	case err == nil:
		err = yaml.Unmarshal(data, s)
	}
	if err != nil {
		return nil, &problem.Error{Kind: problem.Usage, File: file, Object: "settings", Cause: err.Error(), Remedy: "correct the file, or remove it", Err: err}
	}
	return s, nil
}

func (s *settings) write() error {
	data, err := yaml.Marshal(s)
	if err == nil {
		err = os.MkdirAll(filepath.Dir(s.file), 0o700)
	}
	if err == nil {
		err = os.WriteFile(s.file, data, 0o600)
	}
	if err != nil {
		return fmt.Errorf("writing %s: %w", s.file, err)
	}
	return nil
}

// of returns the settings of a context, which are made when there are none; "" is for all.
func (s *settings) of(context string) map[string]any {
	if context == "" {
		if s.Global == nil {
			s.Global = map[string]any{}
		}
		return s.Global
	}
	if i := slices.IndexFunc(s.Contexts, func(c map[string]any) bool { return c[contextKey] == context }); i >= 0 {
		return s.Contexts[i]
	}
	s.Contexts = append(s.Contexts, map[string]any{contextKey: context})
	return s.Contexts[len(s.Contexts)-1]
}

// defaultRepo returns where images of a context are pushed; "" where nothing says so.
func (s *settings) defaultRepo(context string) string {
	for _, c := range s.Contexts {
		if repo, ok := c["default-repo"].(string); ok && c[contextKey] == context {
			return repo
		}
	}
	repo, _ := s.Global["default-repo"].(string)
	return repo
}
