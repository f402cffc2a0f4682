package controller

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// releaseProgram returns to the system the pages of the program's own file that were needed once, such as those of
// what runs at the start only. What is needed again is mapped again, from memory as long as the system has it there.
func releaseProgram() error {
	program, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return fmt.Errorf("finding the program: %w", err)
	}
	maps, err := os.Open("/proc/self/smaps")
	if err != nil {
		return fmt.Errorf("reading what is mapped: %w", err)
	}
	defer maps.Close()
	for _, m := range unwritten(maps, program) {
		if _, _, failed := unix.Syscall(unix.SYS_MADVISE, m.from, m.to-m.from, unix.MADV_DONTNEED); failed != 0 {
			return fmt.Errorf("giving back pages of %s: %w", program, failed)
		}
	}
	return nil
}

// mapping is a range of addresses.
type mapping struct{ from, to uintptr }

// unwritten returns the mappings of a file in /proc/self/smaps that cannot be written to and never were. What the
// loader has written before it made them read-only, such as the addresses of a C library's functions, is in no file.
func unwritten(smaps io.Reader, file string) []mapping {
	var all []mapping
	var current *mapping
	for lines := bufio.NewScanner(smaps); lines.Scan(); {
		name, value, isField := strings.Cut(lines.Text(), ": ")
		if from, to, is := fileMapping(lines.Text(), file); is {
			all = append(all, mapping{from, to})
			current = &all[len(all)-1]
			continue
		}
		switch {
		case !isField:
			// The mapping of something else.
			current = nil
		case current != nil && (name == "Anonymous" || name == "Swap") && strings.TrimSpace(value) != "0 kB":
			all, current = all[:len(all)-1], nil
		}
	}
	return all
}

// fileMapping returns the addresses of a line of /proc/self/smaps that maps a file which is never written to.
func fileMapping(line, file string) (from, to uintptr, is bool) {
	const pathAt = 5
	fields := strings.Fields(line)
	if len(fields) <= pathAt || strings.Join(fields[pathAt:], " ") != file || !strings.HasPrefix(fields[1], "r-") {
		return 0, 0, false
	}
	if n, err := fmt.Sscanf(fields[0], "%x-%x", &from, &to); n != 2 || err != nil || from >= to {
		return 0, 0, false
	}
	return from, to, true
}
