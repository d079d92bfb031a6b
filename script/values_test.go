package script_test

import (
	"encoding/json"
	"math"
	"math/big"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/script"
)

type inner struct {
	ID string `json:"id"`
}

type shallow struct {
	Name string `json:"name"`
}

type record struct {
	inner
	*shallow
	Count  int               `json:"count"`
	Ratio  float64           `json:"ratio"`
	Big    uint64            `json:"big,string"`
	At     time.Time         `json:"at"`
	Until  *time.Time        `json:"until,omitempty"`
	Data   []byte            `json:"data"`
	Sum    [2]byte           `json:"sum"`
	Tags   map[int]string    `json:"tags"`
	Any    any               `json:"any"`
	Raw    json.RawMessage   `json:"raw"`
	Addr   netip.Addr        `json:"addr"`
	Zero   int               `json:"zero,omitzero"`
	Hidden string            `json:"-"`
	Nested []map[string]bool `json:"nested"`
	Plain  string
}

var noon = time.Date(2026, 1, 2, 12, 30, 0, 5, time.FixedZone("", 3600))

func TestEncode(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		value any
		want  string
	}{
		{nil, `null`},
		{true, `true`},
		{int64(math.MaxInt64), `9223372036854775807`},
		{uint8(7), `7`},
		{1.0, `1.0`},
		{float32(0.1), `0.1`},
		{1e21, `1e+21`},
		{math.Copysign(0, -1), `-0.0`},
		{"a\"<é\u2028\n", `"a\"<é\u2028\n"`},
		{[]byte{0, 255}, `{"$bytes":"AP8="}`},
		{[]byte(nil), `null`},
		{[3]byte{1, 2, 3}, `{"$bytes":"AQID"}`},
		{noon, `{"$time":"2026-01-02T12:30:00.000000005+01:00"}`},
		{&noon, `{"$time":"2026-01-02T12:30:00.000000005+01:00"}`},
		{[]any{1, "x", nil, []int(nil)}, `[1,"x",null,null]`},
		{map[int]string{2: "b", 10: "a"}, `{"10":"a","2":"b"}`},
		{map[netip.Addr]int{netip.MustParseAddr("::1"): 1}, `{"::1":1}`},
		{json.Number("1.50"), `1.50`},
		{json.RawMessage(`{"a": 1}`), `{"a": 1}`},
		{big.NewInt(12), `12`},
		{time.Second, `1000000000`},
		{struct {
			A *int `json:"a"`
			B int  `json:"b,string"`
			c int
		}{B: 3}, `{"a":null,"b":"3"}`},
	} {
		got, err := script.Encode(test.value)
		if err != nil || string(got) != test.want {
			t.Errorf("%T %v: got %s, %v, want %s", test.value, test.value, got, err, test.want)
		}
	}
}

type knot struct {
	Next *knot `json:"next"`
}

func TestEncodeRefuses(t *testing.T) {
	t.Parallel()
	cycle := &knot{}
	cycle.Next = cycle
	for _, test := range []struct {
		value any
		want  string
	}{
		{math.NaN(), "value: NaN is no JSON number"},
		{[]any{0, map[string]any{"a": math.Inf(-1)}}, "value[1].a: -Inf is no JSON number"},
		{uint64(math.MaxUint64), "beyond int64"},
		{"\xff", "not UTF-8"},
		{map[string]int{"\xff": 1}, "not UTF-8"},
		{func() {}, "a func() is not a value"},
		{struct{ F []chan int }{F: []chan int{nil}}, "value.F[0]: a chan int is not a value"},
		{map[float64]int{1: 1}, "a key of type float64"},
		{cycle, "nested deeper than 1000"},
		{json.RawMessage(`{`), "not JSON"},
		{json.RawMessage("\"\xff\""), "not JSON in UTF-8"},
		{json.Number("1x"), `"1x" is no number`},
		{json.Number(`"1"`), `is no number`},
		{time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), "year"},
	} {
		got, err := script.Encode(test.value)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%T: got %s, %.200v, want %q", test.value, got, err, test.want)
		}
	}
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	want := record{
		inner: inner{ID: "x"}, shallow: nil, Count: -5, Ratio: 2, Big: math.MaxInt64,
		At: noon, Until: &noon, Data: []byte("hi"), Sum: [2]byte{1, 2}, Tags: map[int]string{-1: "m"},
		Any: []any{int64(1), 1.5, "s", []byte{1}, nil, map[string]any{"k": true}},
		Raw: json.RawMessage(`{"a":1.0}`), Addr: netip.MustParseAddr("10.0.0.1"),
		Nested: []map[string]bool{{"t": true}, nil}, Plain: "p",
	}
	document, err := script.Encode(want)
	if err != nil {
		t.Fatal(err)
	}
	var got record
	if err := script.Decode(document, &got); err != nil {
		t.Fatal(err)
	}
	if !got.At.Equal(want.At) || !got.Until.Equal(*want.Until) {
		t.Errorf("got times %v, %v, want %v", got.At, got.Until, noon)
	}
	got.At, got.Until = want.At, want.Until
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v\nby %s", got, want, document)
	}
}

func TestDecodeAny(t *testing.T) {
	t.Parallel()
	var got any
	document := `{"i": 9007199254740993, "f": 1.0, "e": 1e3, "b": {"$bytes": "AP8="}, "t": {"$time": "2026-01-02T12:30:00.000000005+01:00"},
		"l": [null, true, "x"], "two": {"$bytes": "AA==", "other": 1}, "file": {"$file": "sha256:00"}}`
	if err := script.Decode(json.RawMessage(document), &got); err != nil {
		t.Fatal(err)
	}
	object := got.(map[string]any)
	if at := object["t"].(time.Time); !at.Equal(noon) {
		t.Errorf("got %v, want %v", at, noon)
	}
	delete(object, "t")
	want := map[string]any{
		"i": int64(9007199254740993), "f": 1.0, "e": 1e3, "b": []byte{0, 255}, "l": []any{nil, true, "x"},
		"two": map[string]any{"$bytes": "AA==", "other": int64(1)}, "file": map[string]any{"$file": "sha256:00"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %#v, want %#v", got, want)
	}
}

func TestDecodeLenient(t *testing.T) {
	t.Parallel()
	var got struct {
		Whole int       `json:"whole"`
		Data  []byte    `json:"data"`
		At    time.Time `json:"at"`
	}
	document := `{"whole": 3.0, "data": "AP8=", "at": "2026-01-02T11:30:00Z", "unknown": 1}`
	err := script.Decode(json.RawMessage(document), &got)
	if err != nil || got.Whole != 3 || string(got.Data) != "\x00\xff" || got.At.Hour() != 11 {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		document string
		into     any
		want     string
	}{
		{`1`, 5, "it has to be a pointer"},
		{`1`, (*int)(nil), "it has to be a pointer"},
		{`{`, new(any), "unexpected EOF"},
		{`1 2`, new(any), "more follows"},
		{"\"\xff\"", new(any), "not UTF-8"},
		{`{"a": [1, 99999999999999999999]}`, new(any), "value.a[1]: 99999999999999999999 is beyond int64"},
		{`{"a": {"$bytes": "?"}}`, new(any), "value.a: bytes"},
		{`{"$time": "yesterday"}`, new(any), `"yesterday" is no time`},
		{`300`, new(int8), "300 does not fit a int8"},
		{`-1`, new(uint), "-1 does not fit a uint"},
		{`1.5`, new(int), "1.5 is no integer"},
		{`1e400`, new(float64), "does not fit a float64"},
		{`"x"`, new(int), "text is not a int"},
		{`{"count": [1]}`, new(record), "value.count: a list is not a int"},
		{`[1, 2, 3]`, new([2]int), "3 elements are not 2"},
		{`{"$bytes": "AA=="}`, new([2]byte), "1 bytes are not 2"},
		{`{"x": 1}`, new(map[int]int), "x does not fit a int"},
		{`[]`, new(map[string]int), "a list is not an object"},
		{`{"name": "n"}`, new(record), "value.name: it is in a script_test.shallow"},
		{`{"addr": "nowhere"}`, new(record), "value.addr"},
	} {
		err := script.Decode(json.RawMessage(test.document), test.into)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s into %T: got %v, want %q", test.document, test.into, err, test.want)
		}
	}
}

// FuzzDecode wants what could be decoded to be encoded, and to come back the same.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{`null`, `{"a":[1,2.0,"x",{"$bytes":"AP8="}]}`, `{"$time":"2026-01-02T03:04:05Z"}`, `-0`, `1E5`, `9223372036854775808`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, document []byte) {
		var first, second any
		var typed record
		_ = script.Decode(document, &typed) // must not panic
		if script.Decode(document, &first) != nil {
			return
		}
		encoded, err := script.Encode(first)
		if err != nil {
			if at, is := first.(time.Time); is && (at.Year() > 9999 || at.Year() < 0) {
				return
			}
			t.Fatalf("%s: encode: %v", document, err)
		}
		if err := script.Decode(encoded, &second); err != nil {
			t.Fatalf("%s became %s: %v", document, encoded, err)
		}
		again, err := script.Encode(second)
		if err != nil || string(again) != string(encoded) {
			t.Errorf("%s became %s, then %s, %v", document, encoded, again, err)
		}
	})
}
