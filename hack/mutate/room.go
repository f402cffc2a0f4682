package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/tools/go/packages"
)

// switches is the code by which a mutant is switched on. It stands in every package that has mutants.
const switches = `package %s

import (
	"os"
	"strconv"
)

var (
	mutantID, _   = strconv.Atoi(os.Getenv("MUTANT"))
	mutantReached = map[int]bool{}
	mutantLog     = func() *os.File {
		if os.Getenv("MUTANTS_REACHED") == "" {
			return nil
		}
		f, err := os.OpenFile(os.Getenv("MUTANTS_REACHED"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			panic(err)
		}
		return f
	}()
	mutantLock = make(chan struct{}, 1)
)

func mutantOn(id int) bool {
	if mutantLog != nil {
		mutantLock <- struct{}{}
		if !mutantReached[id] {
			mutantReached[id] = true
			mutantLog.WriteString(strconv.Itoa(id) + "\n")
		}
		<-mutantLock
		return false
	}
	return id == mutantID
}

func mutantNot[T ~bool](id int, v T) T {
	if mutantOn(id) {
		return !v
	}
	return v
}

func mutantPick[T any](id int, mutated, original T) T {
	if mutantOn(id) {
		return mutated
	}
	return original
}

func mutantZero[T any](id int, v T) T {
	if mutantOn(id) {
		var zero T
		return zero
	}
	return v
}
`

// source is a file of a room that has mutants.
type source struct {
	path    string
	text    []byte
	mutants []*mutant
}

// room is a folder with its packages, and the programs that test them.
type room struct {
	dir     string
	sources []*source
	overlay string
	tests   []*testProgram
	only    string
}

// testProgram is the compiled tests of a package.
type testProgram struct {
	path, dir string
	reached   map[int]bool
	// took is how long its tests take without a mutant, and only the expression for the names of those that are run.
	took time.Duration
	only string
}

func mutateRoom(folder string, o options) (result, error) {
	folder = "./" + filepath.Clean(folder)
	began := time.Now()
	dir, err := os.MkdirTemp("", "mutate-")
	if err != nil {
		return result{}, err
	}
	defer os.RemoveAll(dir)
	r := &room{dir: dir, only: o.run}
	if err := r.load(folder); err != nil {
		return result{}, err
	}
	if err := r.compile(folder); err != nil {
		return result{}, err
	}
	if err := r.baseline(); err != nil {
		return result{}, err
	}
	mutants, err := matching(r.mutants(), o.match)
	if err != nil {
		return result{}, fmt.Errorf("%s: %w", folder, err)
	}
	r.run(mutants, o)
	return result{folder, mutants, time.Since(began)}, nil
}

// matching returns the mutants whose place contains match. None is an error: a share of nothing says nothing.
func matching(mutants []*mutant, match string) ([]*mutant, error) {
	mutants = slices.DeleteFunc(mutants, func(m *mutant) bool { return !strings.Contains(fmt.Sprintf("%s:%d", m.file, m.line), match) })
	if len(mutants) == 0 {
		return nil, fmt.Errorf("-match %q: no mutant's place, FILE:LINE, contains it", match)
	}
	return mutants, nil
}

func (r *room) mutants() []*mutant {
	var all []*mutant
	for _, s := range r.sources {
		all = append(all, s.mutants...)
	}
	return all
}

// load finds the mutants in every package of a folder.
func (r *room) load(folder string) error {
	config := &packages.Config{Dir: folder, Mode: packages.NeedName | packages.NeedFiles | packages.NeedCompiledGoFiles | packages.NeedSyntax |
		packages.NeedTypes | packages.NeedTypesInfo | packages.NeedImports | packages.NeedExportFile}
	all, err := packages.Load(config, "./...")
	if err != nil {
		return err
	}
	next := 1
	replace := map[string]string{}
	here, err := os.Getwd()
	if err != nil {
		return err
	}
	for _, p := range all {
		if len(p.Errors) > 0 {
			return p.Errors[0]
		}
		for i, path := range p.CompiledGoFiles {
			if strings.Contains(filepath.Base(path), "generated") {
				continue
			}
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			name, err := filepath.Rel(here, path)
			if err != nil {
				return err
			}
			f := &finder{fset: p.Fset, file: p.Fset.File(p.Syntax[i].Pos()), src: text, name: name, info: p.TypesInfo, next: &next}
			f.find(p.Syntax[i])
			r.sources = append(r.sources, &source{path, text, f.mutants})
			replace[path] = filepath.Join(r.dir, strconv.Itoa(len(r.sources))+"-"+filepath.Base(path))
		}
		if len(p.GoFiles) == 0 {
			continue
		}
		helper := filepath.Join(r.dir, strconv.Itoa(len(replace))+"-switches.go")
		if err := os.WriteFile(helper, fmt.Appendf(nil, switches, p.Name), 0o600); err != nil {
			return err
		}
		replace[filepath.Join(filepath.Dir(p.GoFiles[0]), "zz_mutant_switches.go")] = helper
	}
	r.overlay = filepath.Join(r.dir, "overlay.json")
	data, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return err
	}
	if err := os.WriteFile(r.overlay, data, 0o600); err != nil {
		return err
	}
	for i, s := range r.sources {
		s.write(filepath.Join(r.dir, strconv.Itoa(i+1)+"-"+filepath.Base(s.path)))
	}
	return nil
}

func (s *source) write(path string) {
	if err := os.WriteFile(path, instrument(s.text, s.mutants), 0o600); err != nil {
		panic(err)
	}
}

// place is how the compiler begins a line about an error.
var place = regexp.MustCompile(`(?m)^([^\s:]+\.go):(\d+):`)

// compile builds the test programs. Mutants that do not compile, which the compiler knows by their lines, are left out.
func (r *room) compile(folder string) error {
	folder, err := filepath.Abs(folder)
	if err != nil {
		return err
	}
	// In the folder, so that rooms of any module can be named.
	run := func(args ...string) *exec.Cmd {
		cmd := exec.Command("go", args...)
		cmd.Dir = folder
		return cmd
	}
	list, err := run("list", "-f", "{{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}} {{.Dir}}{{end}}", "./...").Output()
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(list)) {
		path, dir, ok := strings.Cut(strings.TrimSpace(line), " ")
		if !ok {
			continue
		}
		program := filepath.Join(r.dir, strings.ReplaceAll(path, "/", "_")+".test")
		for {
			out, err := run("test", "-c", "-overlay", r.overlay, "-o", program, path).CombinedOutput()
			if err == nil {
				break
			}
			if !r.leaveOut(out) {
				return fmt.Errorf("compiling the tests of %s: %w\n%s", path, err, out)
			}
		}
		r.tests = append(r.tests, &testProgram{path: program, dir: dir, reached: map[int]bool{}, only: r.only})
	}
	if len(r.tests) == 0 {
		return errors.New("no tests")
	}
	return nil
}

// leaveOut drops the mutants in lines that do not compile; it reports whether there were any.
func (r *room) leaveOut(out []byte) bool {
	found := false
	for _, match := range place.FindAllSubmatch(out, -1) {
		line, _ := strconv.Atoi(string(match[2]))
		for i, s := range r.sources {
			if !strings.HasSuffix(string(match[1]), "/"+filepath.Base(s.path)) && !strings.HasSuffix(string(match[1]), "-"+filepath.Base(s.path)) && filepath.Base(string(match[1])) != filepath.Base(s.path) {
				continue
			}
			for _, m := range s.mutants {
				if m.line == line && m.fate == "" {
					m.fate, found = uncompiled, true
				}
			}
			s.write(filepath.Join(r.dir, strconv.Itoa(i+1)+"-"+filepath.Base(s.path)))
		}
	}
	return found
}

// baseline runs the tests without a mutant, which has to succeed, and notes which mutants each program reaches.
func (r *room) baseline() error {
	for _, p := range r.tests {
		file := p.path + ".reached"
		began := time.Now()
		out, err := p.run(context.Background(), "MUTANTS_REACHED="+file)
		p.took = time.Since(began)
		if err != nil {
			return fmt.Errorf("%s fails without a mutant: %w\n%s", p.path, err, out)
		}
		f, err := os.Open(file)
		if errors.Is(err, os.ErrNotExist) {
			continue
		} else if err != nil {
			return err
		}
		for scan := bufio.NewScanner(f); scan.Scan(); {
			if id, err := strconv.Atoi(scan.Text()); err == nil {
				p.reached[id] = true
			}
		}
		f.Close()
	}
	return nil
}

func (p *testProgram) run(ctx context.Context, env string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, p.path, "-test.short", "-test.failfast", "-test.run="+p.only)
	cmd.Dir = p.dir
	cmd.Env = append(os.Environ(), env)
	cmd.WaitDelay = time.Second
	return cmd.CombinedOutput()
}

func (r *room) run(mutants []*mutant, o options) {
	queue := make(chan *mutant)
	var workers sync.WaitGroup
	for range o.workers {
		workers.Go(func() {
			for m := range queue {
				m.fate = r.fateOf(m, o.timeout)
			}
		})
	}
	for _, m := range mutants {
		if m.fate == "" {
			queue <- m
		}
	}
	close(queue)
	workers.Wait()
}

// patience is how many times longer than without a mutant tests may take before they count as looping.
const patience = 10

func (r *room) fateOf(m *mutant, timeout time.Duration) fate {
	became := unreached
	for _, p := range r.tests {
		if !p.reached[m.id] {
			continue
		}
		became = survived
		ctx, cancel := context.WithTimeout(context.Background(), max(timeout, patience*p.took))
		_, err := p.run(ctx, "MUTANT="+strconv.Itoa(m.id))
		cancel()
		if err != nil {
			return killed
		}
	}
	return became
}
