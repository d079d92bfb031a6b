package script

import (
	"encoding/json"
	"strings"
)

// shape is a schema of types, members and items alone, as most are. It is quick to tell
// that a value fits; what does not is for the schema itself to judge. nil fits nothing.
type shape struct {
	types    map[string]bool // nil: any
	natural  bool            // numbers are not negative
	members  map[string]*shape
	required []string
	others   *shape // what members are that are not listed
	items    *shape
}

// anything is the shape of the schema that allows it.
var anything = &shape{}

// shapeOf is the shape of a schema, read by parse; nil if the schema says more than that.
func shapeOf(schema any) *shape {
	keywords, ok := schema.(map[string]any)
	if !ok {
		if schema == true {
			return anything
		}
		return nil
	}
	s := &shape{others: anything, items: anything}
	for name, value := range keywords {
		if !s.keyword(name, value) {
			return nil
		}
	}
	return s
}

// keyword takes a keyword in, and tells that it could.
func (s *shape) keyword(name string, value any) bool {
	switch name {
	case "title", "description", "default", "examples":
		return true
	case "type":
		return s.typed(value)
	case "minimum":
		s.natural = value == json.Number("0")
		return s.natural
	case "required":
		return s.requires(value)
	case "properties":
		return s.lists(value)
	case "additionalProperties":
		s.others = shapeOf(value)
		return s.others != nil || value == false
	case "items":
		s.items = shapeOf(value)
		return s.items != nil
	}
	return false
}

func (s *shape) typed(value any) bool {
	names, many := value.([]any)
	if !many {
		names = []any{value}
	}
	s.types = make(map[string]bool, len(names))
	for _, name := range names {
		text, ok := name.(string)
		if !ok {
			return false
		}
		s.types[text] = true
	}
	return true
}

func (s *shape) requires(value any) bool {
	names, ok := value.([]any)
	for _, name := range names {
		text, isText := name.(string)
		s.required = append(s.required, text)
		ok = ok && isText
	}
	return ok
}

func (s *shape) lists(value any) bool {
	properties, ok := value.(map[string]any)
	s.members = make(map[string]*shape, len(properties))
	for name, schema := range properties {
		s.members[name] = shapeOf(schema)
		ok = ok && s.members[name] != nil
	}
	return ok
}

// fits tells that a value, read by parse, is sure to fit.
func (s *shape) fits(value any) bool {
	if s == nil || s == anything {
		return s == anything
	}
	switch value := value.(type) {
	case nil:
		return s.is("null")
	case bool:
		return s.is("boolean")
	case string:
		return s.is("string")
	case json.Number:
		return (s.is("number") || s.is("integer") && !strings.ContainsAny(string(value), ".eE")) && (!s.natural || value[0] != '-')
	case []any:
		return s.is("array") && s.fitItems(value)
	case map[string]any:
		return s.is("object") && s.fitMembers(value)
	}
	return false
}

func (s *shape) is(name string) bool { return s.types == nil || s.types[name] }

func (s *shape) fitItems(items []any) bool {
	if s.items == anything {
		return true
	}
	for _, item := range items {
		if !s.items.fits(item) {
			return false
		}
	}
	return true
}

func (s *shape) fitMembers(members map[string]any) bool {
	for _, name := range s.required {
		if _, there := members[name]; !there {
			return false
		}
	}
	for name, value := range members {
		member, listed := s.members[name]
		if !listed {
			member = s.others
		}
		if !member.fits(value) {
			return false
		}
	}
	return true
}
