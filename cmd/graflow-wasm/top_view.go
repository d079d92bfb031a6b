package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/graflow/graflow-wasm/internal/term"
)

// topView is what somebody has chosen to see of a place, by keys and flags.
type topView struct {
	every   time.Duration
	frozen  bool // what is shown stays
	help    bool
	section int // of topSections; the one that keys are about
	states  [3]sectionState
}

// sectionState is how a section is shown.
type sectionState struct {
	key     int // of section.keys
	reverse bool
	offset  int // the first row that is shown
}

// deed is what a key asks for beyond another look.
type deed int

const (
	deedNone deed = iota
	deedQuit
	deedRefresh
	deedRedraw
	deedStop // the process, as Ctrl-Z does
)

// Bounds of the time between two looks.
const (
	topFastest = 200 * time.Millisecond
	topSlowest = time.Minute
)

// press does what a key is for. rows is how many of the section are on the screen.
func (v *topView) press(key term.Key, s standing, rows int) deed {
	state := &v.states[v.section]
	switch key {
	case "q", "Q", term.KeyCtrlC, term.KeyCtrlD:
		return deedQuit
	case term.KeyEscape:
		if !v.help {
			return deedQuit
		}
		v.help = false
	case "?", "h":
		v.help = !v.help
	case term.KeyTab, term.KeyRight:
		v.turn(s, 1)
	case term.KeyBackTab, term.KeyLeft:
		v.turn(s, -1)
	case "s":
		state.key, state.offset = (state.key+1)%len(topSections[v.section].keys), 0
	case "r":
		state.reverse, state.offset = !state.reverse, 0
	case "p":
		v.frozen = !v.frozen
	case "+":
		v.every = max(topFastest, v.every/2)
	case "-":
		v.every = min(topSlowest, v.every*2)
	case " ", term.KeyEnter:
		return deedRefresh
	case term.KeyCtrlL:
		return deedRedraw
	case term.KeyCtrlZ:
		return deedStop
	default:
		state.scroll(key, rows)
	}
	return deedNone
}

// scroll moves what is shown. How far there is something, lines knows.
func (s *sectionState) scroll(key term.Key, rows int) {
	switch key {
	case term.KeyUp, "k":
		s.offset--
	case term.KeyDown, "j":
		s.offset++
	case term.KeyPageUp:
		s.offset -= max(1, rows)
	case term.KeyPageDown:
		s.offset += max(1, rows)
	case term.KeyHome, "g":
		s.offset = 0
	case term.KeyEnd, "G":
		s.offset = 1 << 30
	}
	s.offset = max(0, s.offset)
}

// turn goes to another section that the place has.
func (v *topView) turn(s standing, by int) {
	for range topSections {
		v.section = (v.section + by + len(topSections)) % len(topSections)
		if topSections[v.section].has(s) {
			return
		}
	}
}

var topHelp = []string{
	"q  Esc  Ctrl-C   end",
	"Tab  Shift-Tab   the next section, the one before",
	"s                sort it by something else",
	"r                the other way round",
	"↑ ↓ PgUp PgDn    scroll it; g and G: its begin and end",
	"p                pause: what is shown stays",
	"+ -              look twice as often, half as often",
	"Space            look now",
	"?                this help",
}

const topKeys = "q quit  Tab section  s sort  r reverse  ↑↓ scroll  p pause  +- interval  ? help"

// lines are what is seen, in a terminal's size, and how many rows of the section that
// keys are about. fault is why there is nothing newer, or nil.
func (v *topView) lines(s standing, fault error, now time.Time, out *term.Output) (all []string, rows int) {
	width, height := out.Size()
	add := func(look term.Look, text string) { all = append(all, out.Paint(look, cut(text, width))) }
	add(term.Strong, v.headline(s, now))
	switch {
	case fault != nil:
		add(term.Bad, "✗ "+oneLine(fault.Error()))
	default:
		add(term.Plain, s.summary())
	}
	if s.cluster {
		add(term.Plain, s.work())
	}
	room := height - len(all) - 1
	if v.help {
		for _, text := range topHelp[:max(0, min(len(topHelp), room))] {
			add(term.Plain, text)
		}
	} else {
		var body []string
		body, rows = v.body(s, room, out)
		all = append(all, body...)
	}
	for len(all) < height-1 {
		all = append(all, "")
	}
	all = all[:min(len(all), max(0, height-1))]
	add(term.Faint, topKeys)
	return all, rows
}

func (v *topView) headline(s standing, now time.Time) string {
	text := fmt.Sprintf("graflow-wasm top  %s  every %s", s.Time.Local().Format(time.TimeOnly), v.every)
	switch old := now.Sub(s.Time); {
	case v.frozen:
		text += ", paused"
	case old > 2*v.every+topWithin/5:
		text += ", of " + shortTime(old) + " ago"
	}
	return text + "  " + oneLine(s.Place)
}

// body are the sections in a number of lines, and how many rows the one has that keys
// are about.
func (v *topView) body(s standing, room int, out *term.Output) (lines []string, rows int) {
	width, _ := out.Size()
	tables := make([][]string, len(topSections))
	wants := make([]int, len(topSections))
	for i, one := range topSections {
		if !one.has(s) {
			continue
		}
		state := &v.states[i]
		tables[i] = one.table(s, one.keys[state.key], state.reverse).Lines(out, width)
		wants[i] = len(tables[i])
	}
	for i, n := range shares(wants, v.section, room) {
		if n < 2 {
			continue
		}
		state, have := &v.states[i], len(tables[i])-1
		shown := min(have, n-2)
		state.offset = max(0, min(state.offset, have-shown))
		if i == v.section {
			rows = shown
		}
		lines = append(lines, v.title(i, have, shown, out), tables[i][0])
		lines = append(lines, tables[i][1+state.offset:1+state.offset+shown]...)
	}
	return lines, rows
}

// title is the line above a section.
func (v *topView) title(i, have, shown int, out *term.Output) string {
	width, _ := out.Size()
	one, state := topSections[i], v.states[i]
	mark, arrow := " ", "↓"
	if i == v.section {
		mark = "▸"
	}
	if state.reverse {
		arrow = "↑"
	}
	text := fmt.Sprintf("%s %s by %s %s", mark, strings.ToUpper(one.name), one.keys[state.key], arrow)
	if shown < have {
		text += fmt.Sprintf("  %d-%d of %d", min(have, state.offset+1), state.offset+shown, have)
	}
	look := term.Faint
	if i == v.section {
		look = term.Busy
	}
	return out.Paint(look, cut(text, width))
}

// shares gives each section lines for its title, those of its columns and its rows: the
// one that keys are about as many as it wants, as long as each other has some. wants are
// rows with those of the columns, 0 for a section that is not there.
func shares(wants []int, first, room int) []int {
	there := 0
	for _, n := range wants {
		there += boolInt(n > 0)
	}
	few := max(3, min(5, room/max(1, there))) // lines of a section that is only looked at
	given := make([]int, len(wants))
	give := func(i, n int) {
		if wants[i] == 0 {
			return
		}
		n = min(n-given[i], wants[i]+1-given[i], room)
		if n > 0 && given[i]+n >= 2 {
			given[i], room = given[i]+n, room-n
		}
	}
	give(first, few)
	for i := range wants {
		give(i, few)
	}
	give(first, room+given[first])
	for i := range wants {
		give(i, room+given[i])
	}
	return given
}
