package sdk

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/graflow/graflow-wasm/sdk/abi"
)

// Channel is the run's shared state: JSON values under string keys.
type Channel struct{ host host }

// Channel is the channel of the attempt's run.
func (c *Context) Channel() Channel { return Channel{c.host} }

// Get decodes the value of key into what into points to, and says whether there
// is one.
func (ch Channel) Get(key string, into any) (bool, error) {
	data, err := ch.host.channelGet(key)
	if errors.Is(err, abi.NotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("get channel key %q: %w", key, err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		return false, fmt.Errorf("decode channel key %q: %w", key, err)
	}
	return true, nil
}

// Get is [Channel.Get] by type.
func Get[T any](c *Context, key string) (T, bool, error) {
	var v T
	found, err := c.Channel().Get(key, &v)
	return v, found, err
}

// Set sets key to value.
func (ch Channel) Set(key string, value any) error {
	return ch.put("set", key, value, ch.host.channelSet)
}

// Delete removes key, which need not exist.
func (ch Channel) Delete(key string) error {
	if err := ch.host.channelDelete(key); err != nil && !errors.Is(err, abi.NotFound) {
		return fmt.Errorf("delete channel key %q: %w", key, err)
	}
	return nil
}

// Append adds value, as one element, to the end of the list at key. A missing
// key is an empty list; one that holds anything else fails with [abi.Invalid].
func (ch Channel) Append(key string, value any) error {
	return ch.put("append to", key, value, ch.host.channelAppend)
}

// Prepend is Append at the front.
func (ch Channel) Prepend(key string, value any) error {
	return ch.put("prepend to", key, value, ch.host.channelPrepend)
}

// Add adds n to the number at key. A missing key counts as 0; one that holds
// anything else fails with [abi.Invalid].
func (ch Channel) Add(key string, n float64) error {
	return ch.put("add to", key, n, ch.host.channelAdd)
}

// Keys lists the keys that start with prefix, sorted.
func (ch Channel) Keys(prefix string) ([]string, error) {
	data, err := ch.host.channelKeys(prefix)
	if err != nil {
		return nil, fmt.Errorf("list channel keys %q: %w", prefix, err)
	}
	var keys []string
	if err := json.Unmarshal(data, &keys); err != nil {
		return nil, fmt.Errorf("decode channel keys %q: %w", prefix, err)
	}
	return keys, nil
}

// put encodes value and hands it to one of the host's writers.
func (ch Channel) put(deed, key string, value any, write func(string, []byte) error) error {
	data, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("encode channel key %q: %w", key, err)
	}
	if err := write(key, data); err != nil {
		return fmt.Errorf("%s channel key %q: %w", deed, key, err)
	}
	return nil
}
