package schedule

import "time"

// Advance reads a document, decides on what is due at a time, as if nothing went on,
// and writes it.
func Advance(name string, data []byte, now time.Time) ([]byte, error) {
	d, err := decode(name, data)
	if err != nil {
		return nil, err
	}
	if d.due(now) {
		if all := d.advance(now, nil); len(all) > 0 {
			d.Claims = append(d.Claims, claim{At: now, Begin: all})
		}
	}
	return d.encode()
}
