package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/cyan-cd/cyan/localcluster/internal/state"
)

func printKubeconfig(out io.Writer, dir state.Dir, path bool) error {
	if _, err := dir.Load(); err != nil {
		return err
	}
	if path {
		fmt.Fprintln(out, dir.Kubeconfig())
		return nil
	}
	data, err := os.ReadFile(dir.Kubeconfig())
	if err != nil {
		return fmt.Errorf("reading the kubeconfig: %w", err)
	}
	_, err = out.Write(data)
	return err
}

func logsCommand() *cobra.Command {
	var follow bool
	var lines int
	command := &cobra.Command{
		Use:               "logs [PART]",
		Short:             "Print what a part writes, or the last of what all of them write",
		Example:           "  cyan local logs\n  cyan local logs kubelet -f",
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: completeParts,
		RunE: func(c *cobra.Command, args []string) error {
			dir, err := dirOf(c)
			if err != nil {
				return err
			}
			if _, err := dir.Load(); err != nil {
				return err
			}
			if len(args) == 1 {
				return oneLog(c, dir, args[0], follow)
			}
			return allLogs(c, dir, lines, follow)
		},
	}
	command.Flags().BoolVarP(&follow, "follow", "f", false, "go on printing what is written")
	command.Flags().IntVar(&lines, "lines", 10, "how many lines of each part, when all are printed")
	return command
}

func completeParts(c *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	dir, err := dirOf(c)
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	return logNames(dir), cobra.ShellCompDirectiveNoFileComp
}

func logNames(dir state.Dir) []string {
	files, _ := filepath.Glob(dir.Log("*"))
	var names []string
	for _, f := range files {
		names = append(names, strings.TrimSuffix(filepath.Base(f), ".log"))
	}
	return names
}

func oneLog(c *cobra.Command, dir state.Dir, part string, follow bool) error {
	f, err := os.Open(dir.Log(filepath.Base(part)))
	if err != nil {
		return fmt.Errorf("log of %q: not found; the parts are %s", part, strings.Join(logNames(dir), ", "))
	}
	defer f.Close()
	if !follow {
		_, err := io.Copy(c.OutOrStdout(), f)
		return err
	}
	return tail(c.Context(), f, func(line string) { fmt.Fprint(c.OutOrStdout(), line) })
}

func allLogs(c *cobra.Command, dir state.Dir, lines int, follow bool) error {
	var mu sync.Mutex
	var followed sync.WaitGroup
	for _, name := range logNames(dir) {
		f, err := os.Open(dir.Log(name))
		if err != nil {
			continue // it was removed a moment ago
		}
		defer f.Close()
		print := func(line string) {
			mu.Lock()
			defer mu.Unlock()
			fmt.Fprintf(c.OutOrStdout(), "%-24s %s", name, line)
		}
		for _, line := range lastLines(f, lines) {
			print(line)
		}
		if follow {
			followed.Go(func() { _ = tail(c.Context(), f, print) })
		}
	}
	followed.Wait()
	return nil
}

func lastLines(r io.Reader, most int) []string {
	var kept []string
	in := bufio.NewReader(r)
	for {
		line, err := in.ReadString('\n')
		if line != "" {
			kept = append(kept, strings.TrimSuffix(line, "\n")+"\n")
		}
		if len(kept) > most {
			kept = kept[1:]
		}
		if err != nil {
			return kept
		}
	}
}

// tail prints lines until ctx ends. A log that was cut is read from its start again.
func tail(ctx context.Context, f *os.File, print func(string)) error {
	in := bufio.NewReader(f)
	part := ""
	for {
		line, err := in.ReadString('\n')
		part += line
		if err == nil {
			print(part)
			part = ""
			continue
		}
		if !errors.Is(err, io.EOF) {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(200 * time.Millisecond):
		}
		at, _ := f.Seek(0, io.SeekCurrent)
		if info, err := f.Stat(); err == nil && info.Size() < at {
			_, _ = f.Seek(0, io.SeekStart)
			in.Reset(f)
		}
	}
}
