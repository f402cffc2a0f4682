package controller

import (
	"bufio"
	"os"
	"slices"
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

// TestUnwritten: what the loader has written, and was made read-only then, is not given back.
func TestUnwritten(t *testing.T) {
	const file, clean, written = "/opt/cyan", "Rss: 12 kB\nPrivate_Dirty: 0 kB\nAnonymous:             0 kB\nSwap:                  0 kB\nVmFlags: rd mr\n", "Rss: 4 kB\nAnonymous:             4 kB\nSwap:  0 kB\n"
	head := func(from, flags, path string) string {
		return from + "000-" + from + "fff " + flags + " 00000000 fe:00 123    " + path + "\n"
	}
	for name, row := range map[string]struct {
		smaps string
		want  []mapping
	}{
		"all clean":                  {head("1", "r-xp", file) + clean + head("2", "r--p", file) + clean, []mapping{{0x1000, 0x1fff}, {0x2000, 0x2fff}}},
		"written before":             {head("1", "r-xp", file) + clean + head("2", "r--p", file) + written + head("3", "r--p", file) + clean, []mapping{{0x1000, 0x1fff}, {0x3000, 0x3fff}}},
		"written, and in the swap":   {head("1", "r--p", file) + strings.Replace(clean, "Swap:                  0", "Swap:                  8", 1), nil},
		"another file was written":   {head("1", "r-xp", file) + clean + head("2", "r--p", "/lib/libc.so") + written, []mapping{{0x1000, 0x1fff}}},
		"what is writable is":        {head("1", "rw-p", file) + written + head("2", "r-xp", file) + clean, []mapping{{0x2000, 0x2fff}}},
		"what has no file is beside": {head("1", "r-xp", file) + clean + "4000-5000 rw-p 00000000 00:00 0 \n" + written, []mapping{{0x1000, 0x1fff}}},
	} {
		if got := unwritten(strings.NewReader(row.smaps), file); !slices.Equal(got, row.want) {
			t.Errorf("%s: got %x, want %x", name, got, row.want)
		}
	}
}
