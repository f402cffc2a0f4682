// Command audit looks for known vulnerabilities in what the programs are built of, and for licences that do not go with
// this project's. The vulnerability database is a Go module of its own, in the version that go.audit.mod names, so that
// an audit needs nothing but the module proxy.
//
//	go run ./hack/audit
//
// A vulnerability counts when one of its functions is in a program and a version with the mend is there, unless
// accepted.txt gives a reason to wait. What the standard library has is told and does not count: it is mended by
// building with a newer Go.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// audited are the programs: the folder of the module, and the package in it.
var audited = []struct{ folder, program string }{{".", "./cmd/cyan"}, {"localcluster", "./cmd/cyan-local"}}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "Error: "+err.Error())
		os.Exit(1)
	}
}

func run() (err error) {
	dir, err := os.MkdirTemp("", "cyan-audit-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	accepted, err := readAccepted("hack/audit/accepted.txt")
	if err != nil {
		return err
	}
	database, err := index(dir)
	if err != nil {
		return err
	}
	var all []error
	for _, a := range audited {
		findings, err := vulnerabilities(dir, database, a.folder, a.program)
		if err != nil {
			return err
		}
		all = append(all, report(filepath.Base(a.program), findings, accepted), licences(a.folder, a.program))
	}
	return errors.Join(all...)
}

// index makes a vulnerability database of the module that has its entries.
func index(dir string) (string, error) {
	if _, err := tool("", "mod", "download", "-modfile=go.audit.mod", "golang.org/x/vulndb"); err != nil {
		return "", err
	}
	entries, err := tool("", "list", "-modfile=go.audit.mod", "-m", "-f", "{{.Dir}}", "golang.org/x/vulndb")
	if err != nil {
		return "", err
	}
	database := filepath.Join(dir, "database")
	_, err = tool("", "tool", "-modfile=go.audit.mod", "indexdb", "-out", database, "-vulns", filepath.Join(strings.TrimSpace(string(entries)), "data", "osv"))
	return database, err
}

// vulnerabilities builds a program with its symbols, and looks for what is known of these.
func vulnerabilities(dir, database, folder, program string) ([]finding, error) {
	binary := filepath.Join(dir, filepath.Base(program))
	if _, err := tool(folder, "build", "-o", binary, program); err != nil {
		return nil, err
	}
	out, err := tool("", "tool", "-modfile=go.audit.mod", "govulncheck", "-db", "file://"+database, "-mode", "binary", "-format", "json", binary)
	if err != nil {
		return nil, err
	}
	return parseFindings(bytes.NewReader(out))
}

// licences checks the licences of all modules in a program.
func licences(folder, program string) error {
	modfile, err := filepath.Abs("go.audit.mod")
	if err != nil {
		return err
	}
	binary, err := tool("", "tool", "-modfile="+modfile, "-n", "go-licenses")
	if err != nil {
		return err
	}
	cmd := exec.Command(strings.TrimSpace(string(binary)), "check", program, "--disallowed_types=forbidden,restricted,unknown", "--ignore=github.com/cyan-cd/cyan")
	cmd.Dir = folder
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("licences of %s: %w\n%s", filepath.Base(program), err, stderr.Bytes())
	}
	fmt.Printf("%s: licences are permissive\n", filepath.Base(program))
	return nil
}

// tool runs the go command in a folder and returns what it printed.
func tool(folder string, args ...string) ([]byte, error) {
	cmd := exec.Command("go", args...)
	cmd.Dir = folder
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, stderr.Bytes())
	}
	return out, nil
}

// finding is one vulnerability in one module of a program.
type finding struct {
	ID, Module, Version, Fixed string
	// Called is set when a function that has it is in the program.
	Called bool
}

// standardLibrary is the name under which the vulnerability database has the standard library.
const standardLibrary = "stdlib"

// parseFindings reads the messages of govulncheck: JSON objects one after the other.
func parseFindings(from io.Reader) ([]finding, error) {
	messages := json.NewDecoder(from)
	var all []finding
	for {
		var message struct {
			Finding *struct {
				OSV          string `json:"osv"`
				FixedVersion string `json:"fixed_version"`
				Trace        []struct {
					Module, Version, Function string
				} `json:"trace"`
			} `json:"finding"`
		}
		err := messages.Decode(&message)
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, fmt.Errorf("reading the answer of govulncheck: %w", err)
		}
		if message.Finding == nil || len(message.Finding.Trace) == 0 {
			continue
		}
		at := message.Finding.Trace[0]
		f := finding{ID: message.Finding.OSV, Module: at.Module, Version: at.Version, Fixed: message.Finding.FixedVersion, Called: at.Function != ""}
		i := slices.IndexFunc(all, func(other finding) bool { return other.ID == f.ID && other.Module == f.Module })
		if i < 0 {
			all = append(all, f)
			continue
		}
		all[i].Called = all[i].Called || f.Called
	}
}

// report prints what was found, and returns an error for what has to be mended.
func report(program string, findings []finding, accepted map[string]string) error {
	var wrong []string
	library := 0
	for _, f := range findings {
		reason, waits := accepted[f.ID]
		switch {
		case !f.Called:
		case f.Module == standardLibrary:
			library++
		case f.Fixed == "":
			fmt.Printf("%s: %s in %s@%s: no version mends it\n", program, f.ID, f.Module, f.Version)
		case waits:
			fmt.Printf("%s: %s in %s@%s, mended in %s: accepted: %s\n", program, f.ID, f.Module, f.Version, f.Fixed, reason)
		default:
			wrong = append(wrong, fmt.Sprintf("%s: %s in %s@%s; take %s, or give the reason to wait in hack/audit/accepted.txt", program, f.ID, f.Module, f.Version, f.Fixed))
		}
	}
	if library > 0 {
		fmt.Printf("%s: %d in the standard library of the Go that builds it; build with the newest\n", program, library)
	}
	if len(wrong) > 0 {
		return errors.New(strings.Join(wrong, "\n"))
	}
	fmt.Printf("%s: no known vulnerability that a newer module mends\n", program)
	return nil
}

// readAccepted reads lines of an ID and a reason.
func readAccepted(path string) (map[string]string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	accepted := map[string]string{}
	for _, line := range strings.Split(string(text), "\n") {
		id, reason, ok := strings.Cut(strings.TrimSpace(line), " ")
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case !ok:
			return nil, fmt.Errorf("%s: %q has no reason", path, line)
		default:
			accepted[id] = reason
		}
	}
	return accepted, nil
}
