package dashboard

// Kept returns how many lines of logs a state keeps, and their bytes.
func Kept(s State) (lines, bytes int) {
	for _, l := range s.log.lines {
		bytes += len(l.text) + len(l.label) + len(l.key)
	}
	return len(s.log.lines), bytes + len(s.log.shades)
}
