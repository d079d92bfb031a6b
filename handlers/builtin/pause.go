package builtin

import (
	"encoding/json"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

var pauseParams = []param{
	{name: "name"},
	{name: "message", optional: true},
	{name: "schema", optional: true},
	{name: "timeout", optional: true},
	{name: "default", optional: true},
	{name: "until", optional: true},
	{name: "after", optional: true},
}

// pause waits for somebody's answer, which is its value.
func pause(a *attempt, p params) (any, error) {
	asked, err := p.pause()
	if err != nil {
		return nil, err
	}
	if asked.Name == "" {
		return nil, badInput(`parameter "name" is %s, want a name to answer to`, shown(p["name"]))
	}
	if answer, ok := a.call.Answers[asked.Name]; ok {
		if len(answer) == 0 {
			return nil, nil
		}
		return answer, nil
	}
	// To the engine the zero values are no end at all; here they are a gate
	// that is open already.
	if p.has("after") && asked.After == 0 || p.has("until") && asked.Until.IsZero() {
		return nil, nil
	}
	a.effects.Pause = &asked
	return nil, nil
}

// pause reads what a pause asks for. Parameters that are not known yet are left
// out, and fit any other.
func (p params) pause() (engine.Pause, error) {
	var asked engine.Pause
	var err error
	if asked.Name, err = p.text("name"); err != nil {
		return asked, err
	}
	if asked.Message, err = p.text("message"); err != nil {
		return asked, err
	}
	if asked.Schema, err = p.schema(); err != nil {
		return asked, err
	}
	if p.has("timeout") {
		d, err := p.duration("timeout")
		if err != nil {
			return asked, err
		}
		if d == 0 {
			return asked, badInput(`parameter "timeout" is %s: leave it out to wait without a bound`, shown(p["timeout"]))
		}
		asked.Timeout = engine.Duration(d)
	}
	if p.may("timeout") {
		asked.Default = p["default"] // null is an answer, too
	} else if p.may("default") {
		return asked, badInput(`parameter "default" needs "timeout", after which it is the answer`)
	}
	return asked, p.opens(&asked)
}

// schema is a JSON Schema of the answer, or nil.
func (p params) schema() (json.RawMessage, error) {
	if !p.has("schema") {
		return nil, nil
	}
	if kind := kindOf(p["schema"]); kind != "an object" && kind != "a boolean" {
		return nil, badInput(`parameter "schema" is %s, want a JSON Schema: an object, true or false`, kind)
	}
	return p["schema"], nil
}

// opens reads when the gate opens by itself.
func (p params) opens(asked *engine.Pause) error {
	if p.has("after") {
		d, err := p.duration("after")
		if err != nil {
			return err
		}
		asked.After = engine.Duration(d)
	}
	if p.has("until") {
		text, err := p.text("until")
		if err != nil {
			return err
		}
		if asked.Until, err = time.Parse(time.RFC3339, text); err != nil {
			return badInput(`parameter "until" is %s, want a time as "2026-01-02T15:04:05Z" (RFC 3339)`, shown(p["until"]))
		}
	}
	if p.has("until") && p.has("after") {
		return badInput(`parameters "until" and "after" exclude each other: give one time at which the pause ends by itself`)
	}
	return nil
}

func checkPause(h *Handler, p params) error {
	asked, err := p.pause()
	if err != nil {
		return err
	}
	if asked.Name == "" && p["name"] != nil {
		return badInput(`parameter "name" is %s, want a name to answer to`, shown(p["name"]))
	}
	if h.checkAnswer == nil || asked.Schema == nil || asked.Default == nil {
		return nil
	}
	if err := h.checkAnswer(asked.Schema, asked.Default); err != nil {
		return badInput(`parameter "default" is %s, which is no answer by "schema": %v`, shown(asked.Default), err)
	}
	return nil
}

// sleep lets the time pass that it is told. It asks nobody: its answer comes from
// a timer of the run.
func sleep(a *attempt, p params) (any, error) {
	d, err := p.duration("duration")
	if err != nil {
		return nil, err
	}
	if _, over := a.call.Answers[""]; !over && d > 0 {
		a.effects.Pause = &engine.Pause{After: engine.Duration(d)}
	}
	return nil, nil
}

func checkSleep(_ *Handler, p params) error {
	if p["duration"] == nil {
		return nil
	}
	_, err := p.duration("duration")
	return err
}
