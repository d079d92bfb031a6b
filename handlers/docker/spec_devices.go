package docker

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/docker/docker/api/types/container"

	"github.com/graflow/graflow-wasm/handlers/internal/guest"
)

// allDevices is the count that stands for all.
const allDevices = -1

// mostDevices is far more than a machine has.
const mostDevices = 1 << 10

// deviceForm is an id of a device, as 0, GPU-3a23c669, MIG-… or vendor.com/gpu=0.
// No comma: drivers join ids with them.
var deviceForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9:._/=-]{0,127}$`)

func (s *settings) parseDevices(d guest.Document) error {
	var short []container.DeviceRequest
	for _, key := range []string{"gpus", "gpu"} {
		requests, err := parseGPUs(d, key)
		if err != nil {
			return err
		}
		if short != nil && requests != nil {
			return errors.New("docker.gpu: it is another name of gpus; write one of them")
		}
		short = append(short, requests...)
	}
	long, err := parseDeviceRequests(d)
	if err == nil && len(short) > 0 && d.Field("device_requests") != nil {
		err = errors.New("docker.device_requests: gpus is a short form of it; write one of them")
	}
	s.devices = append(short, long...)
	return err
}

// parseGPUs reads the short form: all or true, a number, or ids.
func parseGPUs(d guest.Document, key string) ([]container.DeviceRequest, error) {
	raw := d.Field(key)
	if raw == nil {
		return nil, nil
	}
	request := container.DeviceRequest{Capabilities: [][]string{{"gpu"}}}
	var some bool
	var text string
	var ids []string
	switch {
	case json.Unmarshal(raw, &some) == nil:
		if !some {
			return nil, nil
		}
		request.Count = allDevices
	case json.Unmarshal(raw, &text) == nil && text == "all":
		request.Count = allDevices
	case json.Unmarshal(raw, &request.Count) == nil && request.Count >= 0 && request.Count <= mostDevices:
		if request.Count == 0 {
			return nil, nil
		}
	case json.Unmarshal(raw, &ids) == nil && len(ids) > 0 && checkIDs("", ids) == nil:
		request.DeviceIDs = ids
	default:
		return nil, d.Wrong(key, `"all", a number of GPUs as 1, or a list of their ids as ["0", "GPU-3a23c669"]`)
	}
	return []container.DeviceRequest{request}, nil
}

func parseDeviceRequests(d guest.Document) ([]container.DeviceRequest, error) {
	raw := d.Field("device_requests")
	if raw == nil {
		return nil, nil
	}
	var docs []json.RawMessage
	if json.Unmarshal(raw, &docs) != nil {
		return nil, d.Wrong("device_requests", `a list, as [{driver: nvidia, count: 1, capabilities: [[gpu]]}]`)
	}
	var all []container.DeviceRequest
	var errs []error
	for i, doc := range docs {
		r, err := parseDeviceRequest(fmt.Sprintf("docker.device_requests[%d]", i), doc)
		all, errs = append(all, r), append(errs, err)
	}
	return all, errors.Join(errs...)
}

func parseDeviceRequest(name string, data json.RawMessage) (container.DeviceRequest, error) {
	var r container.DeviceRequest
	d, err := guest.Object(name, data, "driver", "count", "device_ids", "capabilities", "options")
	err = errors.Join(err, d.Text("driver", &r.Driver), d.List("device_ids", &r.DeviceIDs), d.Pairs("options", &r.Options))
	if raw := d.Field("count"); raw != nil && (json.Unmarshal(raw, &r.Count) != nil || r.Count < allDevices || r.Count > mostDevices) {
		err = errors.Join(err, d.Wrong("count", "a number of devices, or -1 for all of them"))
	}
	if raw := d.Field("capabilities"); raw != nil && (json.Unmarshal(raw, &r.Capabilities) != nil || !areWords(r.Capabilities)) {
		err = errors.Join(err, d.Wrong("capabilities", "a list of lists of words, as [[gpu, compute]]"))
	}
	if err != nil {
		return r, err
	}
	switch {
	case r.Count != 0 && len(r.DeviceIDs) > 0:
		err = fmt.Errorf("%s.count: device_ids say which devices, so there is no number of them; leave one out", name)
	case r.Count == 0 && len(r.DeviceIDs) == 0:
		err = fmt.Errorf("%s.count: missing: write how many devices, -1 for all of them, or their device_ids", name)
	case r.Driver == "" && len(r.Capabilities) == 0:
		err = fmt.Errorf("%s.capabilities: missing: write what the devices can do, as [[gpu]], or the driver", name)
	}
	return r, errors.Join(err, checkIDs(name+".device_ids", r.DeviceIDs))
}

func checkIDs(where string, ids []string) error {
	for i, id := range ids {
		if !deviceForm.MatchString(id) {
			return fmt.Errorf(`%s[%d]: %q is no id of a device: want letters, digits and ":._/=-", as "0" or "GPU-3a23c669"`, where, i, id)
		}
	}
	return nil
}

func areWords(lists [][]string) bool {
	return !slices.ContainsFunc(lists, func(list []string) bool {
		return len(list) == 0 || slices.ContainsFunc(list, func(w string) bool { return w == "" || strings.ContainsAny(w, ", ") || hasControls(w) })
	})
}

// isGPU tells whether a request is for GPUs alone: each of the capabilities to
// choose from has gpu.
func isGPU(r container.DeviceRequest) bool {
	for _, list := range r.Capabilities {
		if !slices.Contains(list, "gpu") {
			return false
		}
	}
	return (r.Driver == "" || r.Driver == "nvidia") && len(r.Capabilities) > 0
}

// checkDevices says whether a task may ask for its devices.
func (p Policy) checkDevices(requests []container.DeviceRequest) error {
	var errs []error
	for i, r := range requests {
		switch {
		case r.Driver != "" && slices.Contains(p.Devices, r.Driver), p.GPUs && isGPU(r):
		case isGPU(r):
			errs = append(errs, errors.New("docker.gpus: the operator allows no GPUs: they would write gpus: true in the policy"))
		case r.Driver != "":
			errs = append(errs, fmt.Errorf("docker.device_requests[%d].driver: the operator does not allow %q: they would write devices: [%q] in the policy", i, r.Driver, r.Driver))
		default:
			errs = append(errs, fmt.Errorf("docker.device_requests[%d]: want capabilities with gpu, or a driver that the operator allows", i))
		}
	}
	return errors.Join(errs...)
}
