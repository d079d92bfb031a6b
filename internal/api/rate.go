package api

import (
	"math"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// maxRates bounds how many keys have a bucket of their own.
const maxRates = 8192

// rates bounds how often something is done, by a key each for itself. It is safe for
// concurrent use.
type rates struct {
	limit  rate.Limit // per second; less than 0 is no bound
	burst  int
	key    func(string) string
	detail string // of the refusal

	mu      sync.Mutex // guards what follows
	buckets map[string]*rate.Limiter
	rest    *rate.Limiter // that others have once there are maxRates
}

func newRates(limit float64, burst int, detail string, key func(string) string) *rates {
	r := &rates{limit: rate.Limit(limit), burst: burst, key: key, detail: detail, buckets: map[string]*rate.Limiter{}}
	r.rest = rate.NewLimiter(r.limit, burst)
	return r
}

// take counts one more, or refuses it.
func (r *rates) take(of string) *Problem {
	wait := r.wait(of)
	if wait == 0 {
		return nil
	}
	return again(http.StatusTooManyRequests, strconv.Itoa(int(math.Ceil(wait.Seconds()))), r.detail)
}

// wait counts one more, or tells how long it has to wait: then it does not count.
func (r *rates) wait(of string) time.Duration {
	if r.limit < 0 {
		return 0
	}
	reserved := r.bucket(r.key(of)).Reserve()
	wait := reserved.Delay()
	if wait > 0 {
		reserved.Cancel()
	}
	return wait
}

func (r *rates) bucket(key string) *rate.Limiter {
	r.mu.Lock()
	defer r.mu.Unlock()
	if b := r.buckets[key]; b != nil {
		return b
	}
	if len(r.buckets) >= maxRates {
		r.drop()
	}
	if len(r.buckets) >= maxRates {
		return r.rest
	}
	b := rate.NewLimiter(r.limit, r.burst)
	r.buckets[key] = b
	return b
}

// drop forgets those that have done nothing for a while. The caller holds mu.
func (r *rates) drop() {
	now := time.Now()
	for key, b := range r.buckets {
		if b.TokensAt(now) >= float64(r.burst) {
			delete(r.buckets, key)
		}
	}
}

// network is what counts as one address: of IPv6 the network of a site's host.
func network(remote string) string {
	at, err := netip.ParseAddrPort(remote)
	if err != nil {
		return remote
	}
	addr := at.Addr().Unmap()
	if addr.Is6() {
		if net, err := addr.WithZone("").Prefix(64); err == nil {
			return net.String()
		}
	}
	return addr.String()
}
