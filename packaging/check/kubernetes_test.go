package check_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	network "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	"sigs.k8s.io/yaml"
)

// manifests are the objects of packaging/kubernetes, by "Kind name".
func manifests(tb testing.TB) map[string]any {
	tb.Helper()
	files, err := filepath.Glob(filepath.Join(packaging, "kubernetes", "[0-9]*.yaml"))
	if err != nil || len(files) == 0 {
		tb.Fatalf("got files %v, %v", files, err)
	}
	all := map[string]any{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			tb.Fatal(err)
		}
		for _, document := range bytes.Split(text, []byte("\n---\n")) {
			name, object, err := decode(document)
			if err != nil {
				tb.Fatalf("%s: %v", file, err)
			}
			if all[name] != nil {
				tb.Errorf("%s: another %s", file, name)
			}
			all[name] = object
		}
	}
	return all
}

// decode reads an object as strictly as an API server with validation: a field that
// its type does not have is an error, as is one that is there twice.
func decode(document []byte) (name string, object any, err error) {
	var head struct {
		APIVersion, Kind string
		Metadata         struct{ Name, Namespace string }
	}
	if err := yaml.Unmarshal(document, &head); err != nil {
		return "", nil, err
	}
	object = map[string]any{
		"v1 Namespace": &core.Namespace{}, "v1 Service": &core.Service{}, "v1 ServiceAccount": &core.ServiceAccount{},
		"apps/v1 StatefulSet": &apps.StatefulSet{}, "apps/v1 Deployment": &apps.Deployment{},
		"policy/v1 PodDisruptionBudget": &policy.PodDisruptionBudget{}, "networking.k8s.io/v1 NetworkPolicy": &network.NetworkPolicy{},
	}[head.APIVersion+" "+head.Kind]
	if object == nil {
		return "", nil, fmt.Errorf("a %s of %s", head.Kind, head.APIVersion)
	}
	if head.Kind != "Namespace" && head.Metadata.Namespace != "graflow-wasm" {
		return "", nil, fmt.Errorf("%s %s is in namespace %q", head.Kind, head.Metadata.Name, head.Metadata.Namespace)
	}
	return head.Kind + " " + head.Metadata.Name, object, yaml.UnmarshalStrict(document, object)
}

// pods are the templates of pods, by name.
func pods(tb testing.TB) map[string]core.PodTemplateSpec {
	tb.Helper()
	all := map[string]core.PodTemplateSpec{}
	for name, object := range manifests(tb) {
		switch o := object.(type) {
		case *apps.StatefulSet:
			all[name] = o.Spec.Template
		case *apps.Deployment:
			all[name] = o.Spec.Template
		}
	}
	if len(all) != 2 {
		tb.Fatalf("got %d pods, want 2", len(all))
	}
	return all
}

func kubernetesLines(tb testing.TB) []line {
	tb.Helper()
	var all []line
	for name, pod := range pods(tb) {
		for _, c := range pod.Spec.Containers {
			all = append(all, line{"kubernetes: " + name, c.Args})
		}
	}
	return all
}

func TestManifestsAreReadStrictly(t *testing.T) {
	t.Parallel()
	for name, document := range map[string]string{
		"a field of none": "apiVersion: v1\nkind: Service\nmetadata: {name: a, namespace: graflow-wasm}\nspec: {selectr: {a: b}}",
		"a field twice":   "apiVersion: v1\nkind: Service\nmetadata: {name: a, namespace: graflow-wasm}\nspec: {}\nspec: {}",
		"a wrong type":    "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a, namespace: graflow-wasm}\nspec: {replicas: many}",
		"a kind of none":  "apiVersion: v1\nkind: Servce\nmetadata: {name: a, namespace: graflow-wasm}",
	} {
		if _, _, err := decode([]byte(document)); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

// TestPodsAreRestricted holds pods to the Pod Security Standard that the namespace
// enforces, and to what is not in it: no writable root, no token, limits.
func TestPodsAreRestricted(t *testing.T) {
	t.Parallel()
	namespace := manifests(t)["Namespace graflow-wasm"].(*core.Namespace)
	if namespace.Labels["pod-security.kubernetes.io/enforce"] != "restricted" {
		t.Errorf("the namespace enforces %v", namespace.Labels)
	}
	allowed := []string{"emptyDir", "secret", "configMap", "projected", "persistentVolumeClaim"}
	for name, pod := range pods(t) {
		s := pod.Spec
		if s.HostNetwork || s.HostPID || s.HostIPC || s.AutomountServiceAccountToken == nil || *s.AutomountServiceAccountToken {
			t.Errorf("%s has something of its host or a token", name)
		}
		if c := s.SecurityContext; c == nil || c.RunAsNonRoot == nil || !*c.RunAsNonRoot || c.RunAsUser == nil || *c.RunAsUser == 0 ||
			c.SeccompProfile == nil || c.SeccompProfile.Type != core.SeccompProfileTypeRuntimeDefault {
			t.Errorf("%s: got security context %+v", name, c)
		}
		for _, c := range s.Containers {
			sc := c.SecurityContext
			if sc == nil || sc.AllowPrivilegeEscalation == nil || *sc.AllowPrivilegeEscalation || sc.Privileged != nil ||
				sc.ReadOnlyRootFilesystem == nil || !*sc.ReadOnlyRootFilesystem ||
				sc.Capabilities == nil || !slices.Equal(sc.Capabilities.Drop, []core.Capability{"ALL"}) || len(sc.Capabilities.Add) > 0 {
				t.Errorf("%s: got security context %+v", name, sc)
			}
			if c.Resources.Limits.Memory().IsZero() || c.Resources.Requests.Memory().IsZero() || c.Resources.Requests.Cpu().IsZero() {
				t.Errorf("%s: got resources %+v", name, c.Resources)
			}
			if c.LivenessProbe == nil || c.ReadinessProbe == nil {
				t.Errorf("%s has no probes", name)
			}
		}
		raw, err := yaml.Marshal(s.Volumes)
		if err != nil {
			t.Fatal(err)
		}
		var volumes []map[string]any
		if err := yaml.Unmarshal(raw, &volumes); err != nil {
			t.Fatal(err)
		}
		for _, v := range volumes {
			for kind := range v {
				if kind != "name" && !slices.Contains(allowed, kind) {
					t.Errorf("%s has a volume of kind %s", name, kind)
				}
			}
		}
	}
}

// TestManifestsFitTogether follows names from one object to another, and from ports to
// the flags that make the command listen there.
func TestManifestsFitTogether(t *testing.T) {
	t.Parallel()
	all := manifests(t)
	for name, pod := range pods(t) {
		if all["ServiceAccount "+pod.Spec.ServiceAccountName] == nil {
			t.Errorf("%s: there is no service account %s", name, pod.Spec.ServiceAccountName)
		}
		volumes := map[string]bool{"state": strings.HasPrefix(name, "StatefulSet")}
		for _, v := range pod.Spec.Volumes {
			volumes[v.Name] = true
		}
		for _, c := range pod.Spec.Containers {
			args := strings.Join(c.Args, "\n") + "\n"
			ports := map[string]bool{}
			for _, p := range c.Ports {
				ports[p.Name] = true
				if !strings.Contains(args, fmt.Sprintf("=0.0.0.0:%d\n", p.ContainerPort)) {
					t.Errorf("%s: nothing listens on port %s, %d", name, p.Name, p.ContainerPort)
				}
			}
			for _, probe := range []*core.Probe{c.LivenessProbe, c.ReadinessProbe, c.StartupProbe} {
				if probe != nil && (!ports[probe.HTTPGet.Port.StrVal] || !slices.Contains([]string{"/healthz", "/readyz"}, probe.HTTPGet.Path)) {
					t.Errorf("%s: a probe of %+v", name, probe.HTTPGet)
				}
			}
			mounted := map[string]bool{}
			for _, m := range c.VolumeMounts {
				mounted[m.MountPath] = true
				if !volumes[m.Name] {
					t.Errorf("%s: there is no volume %s", name, m.Name)
				}
			}
			for _, arg := range c.Args {
				if _, path, ok := strings.Cut(arg, "=/"); ok && !mounted["/"+path] && !mounted[filepath.Dir("/"+path)] {
					t.Errorf("%s: nothing is mounted for %s", name, arg)
				}
			}
		}
	}
	for name, object := range all {
		service, ok := object.(*core.Service)
		if !ok {
			continue
		}
		found := false
		for _, pod := range pods(t) {
			found = found || selects(service.Spec.Selector, pod.Labels)
		}
		if !found {
			t.Errorf("%s selects no pod", name)
		}
	}
	if len(all) < 10 {
		t.Errorf("%d objects, want 10 at least", len(all))
	}
}

func selects(selector, labels map[string]string) bool {
	for k, v := range selector {
		if labels[k] != v {
			return false
		}
	}
	return len(selector) > 0
}

// TestNetworkIsClosed wants a policy that denies all that no other permits.
func TestNetworkIsClosed(t *testing.T) {
	t.Parallel()
	nothing, ok := manifests(t)["NetworkPolicy nothing"].(*network.NetworkPolicy)
	if !ok || len(nothing.Spec.PodSelector.MatchLabels) > 0 || len(nothing.Spec.Ingress)+len(nothing.Spec.Egress) > 0 || len(nothing.Spec.PolicyTypes) != 2 {
		t.Errorf("got %+v", nothing)
	}
	for name, object := range manifests(t) {
		p, ok := object.(*network.NetworkPolicy)
		if !ok || name == "NetworkPolicy nothing" {
			continue
		}
		found := false
		for _, pod := range pods(t) {
			found = found || selects(p.Spec.PodSelector.MatchLabels, pod.Labels)
		}
		if !found {
			t.Errorf("%s is for no pod", name)
		}
	}
}
