package controller

import (
	"bufio"
	"os"
	"strconv"
	"strings"
	"testing"
)

// fileBytes is how much of the program's file is resident.
func fileBytes(t *testing.T) int {
	t.Helper()
	status, err := os.Open("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	defer status.Close()
	for lines := bufio.NewScanner(status); lines.Scan(); {
		if rest, is := strings.CutPrefix(lines.Text(), "RssFile:"); is {
			kib, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(rest), " kB"))
			if err != nil {
				t.Fatal(err)
			}
			return kib << 10
		}
	}
	t.Fatal("RssFile is missing")
	return 0
}

// TestReleaseProgram: pages of the program's file are given back, and the program goes on.
func TestReleaseProgram(t *testing.T) {
	before := fileBytes(t)
	if err := releaseProgram(); err != nil {
		t.Fatal(err)
	}
	if after := fileBytes(t); after > before*3/4 {
		t.Errorf("%d bytes of the file are resident, of %d before", after, before)
	}
}

// TestFileMapping: nothing that the program writes to is given back, nor what is another file's.
func TestFileMapping(t *testing.T) {
	const rest = " 00000000 fe:00 123   /opt/my cyan"
	for line, want := range map[string]bool{
		"00400000-03a00000 r-xp" + rest: true, "03a00000-05a00000 r--p" + rest: true, "05a00000-05c00000 rw-p" + rest: false, "05a00000-05c00000 ---p" + rest: false,
		"00400000-03a00000 r-xp" + rest + ".old": false, "00400000-03a00000 r-xp 00000000 00:00 0": false, "zz r-xp" + rest: false, "05-04 r-xp" + rest: false, "": false,
	} {
		from, to, is := fileMapping(line, "/opt/my cyan")
		if is != want || is && from >= to {
			t.Errorf("%q: got %x, %x, %v; want %v", line, from, to, is, want)
		}
	}
}
