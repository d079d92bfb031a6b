package wasmhost

import "strings"

// diagnosis is the line that tells best why a guest exited: a Go guest's panic,
// or else the last line. With a Go panic come its functions, innermost first.
func diagnosis(last []string) (line string, stack []string) {
	for i, s := range last {
		if strings.HasPrefix(s, "panic: ") || strings.HasPrefix(s, "fatal error: ") {
			return s, goFrames(last[i:])
		}
	}
	if len(last) == 0 {
		return "", nil
	}
	return last[len(last)-1], nil
}

// goFrames reads the functions of the first goroutine in a Go traceback.
func goFrames(lines []string) []string {
	var frames []string
	inside := false
	for _, line := range lines {
		switch {
		case strings.HasPrefix(line, "goroutine "):
			if inside {
				return frames
			}
			inside = true
		case inside && line != "" && !strings.HasPrefix(line, "\t"):
			if cut := strings.LastIndexByte(line, '('); cut > 0 {
				frames = append(frames, line[:cut])
			}
		}
	}
	return frames
}
