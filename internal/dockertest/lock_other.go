//go:build !linux && !darwin

package dockertest

import "sync"

var one sync.Mutex // guards the making of images, in this process alone

// lock waits until nobody in this process is making an image.
func lock(string) (unlock func(), err error) {
	one.Lock()
	return one.Unlock, nil
}
