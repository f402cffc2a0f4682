// Command testreport reads the output of `go test -json`, prints a line for each package and everything of what
// failed, and keeps count.
//
//	go test -json ./... | testreport FILE    adds this run's counts to FILE; exits 1 when a test failed
//	testreport -total FILE                   prints "N passed, N failed, N skipped" for all runs in FILE
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
)

// event is one line of test2json's output.
type event struct {
	Action, Package, Test, Output, ImportPath string
	Elapsed                                   float64
}

type counts struct{ Passed, Failed, Skipped int }

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "testreport:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) == 2 && args[0] == "-total":
		return total(args[1])
	case len(args) == 1:
		return report(args[0], os.Stdin)
	}
	return fmt.Errorf("usage: testreport FILE, or testreport -total FILE")
}

func total(file string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var sum counts
	decoder := json.NewDecoder(strings.NewReader(string(data)))
	for decoder.More() {
		var c counts
		if err := decoder.Decode(&c); err != nil {
			return err
		}
		sum.Passed, sum.Failed, sum.Skipped = sum.Passed+c.Passed, sum.Failed+c.Failed, sum.Skipped+c.Skipped
	}
	fmt.Printf("%d passed, %d failed, %d skipped\n", sum.Passed, sum.Failed, sum.Skipped)
	return nil
}

func report(file string, in io.Reader) error {
	var c counts
	output := map[string]*strings.Builder{}
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			fmt.Println(lines.Text())
			continue
		}
		c.add(e, output)
	}
	if err := lines.Err(); err != nil {
		return err
	}
	f, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := json.NewEncoder(f).Encode(c); err != nil {
		return err
	}
	if c.Failed > 0 {
		return fmt.Errorf("%d failed", c.Failed)
	}
	return nil
}

// add counts one event, and prints what a person wants to see of it. output holds what each running test has printed.
func (c *counts) add(e event, output map[string]*strings.Builder) {
	id := e.Package + e.ImportPath + "\x00" + e.Test
	switch e.Action {
	case "output", "build-output":
		if output[id] == nil {
			output[id] = &strings.Builder{}
		}
		output[id].WriteString(e.Output)
		return
	case "pass", "skip", "fail", "build-fail":
	default:
		return
	}
	printed := ""
	if output[id] != nil {
		printed = output[id].String()
		delete(output, id)
	}
	switch {
	case e.Action == "build-fail":
		fmt.Print(printed)
	case e.Action == "fail":
		c.Failed++
		fmt.Printf("FAIL  %s %s (%.1fs)\n%s", e.Package, e.Test, e.Elapsed, printed)
	case e.Test == "" && e.Action == "pass":
		fmt.Printf("ok    %s (%.1fs)\n", e.Package, e.Elapsed)
	case e.Test == "":
	case e.Action == "pass":
		c.Passed++
	case e.Action == "skip":
		c.Skipped++
		fmt.Printf("skip  %s %s\n%s", e.Package, e.Test, printed)
	}
}
