package controller

import (
	"bufio"
	"fmt"
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
	maps, err := os.Open("/proc/self/maps")
	if err != nil {
		return fmt.Errorf("reading what is mapped: %w", err)
	}
	defer maps.Close()
	for lines := bufio.NewScanner(maps); lines.Scan(); {
		if from, to, is := fileMapping(lines.Text(), program); is {
			if _, _, failed := unix.Syscall(unix.SYS_MADVISE, from, to-from, unix.MADV_DONTNEED); failed != 0 {
				return fmt.Errorf("giving back pages of %s: %w", program, failed)
			}
		}
	}
	return nil
}

// fileMapping returns the addresses of a line of /proc/self/maps that maps a file which is never written to.
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
