package rdap

import "fmt"

// redaction checks that what is left out and what is told to be left out are the
// same (rdap.md §5), by a reading of the body that shares nothing with the code
// that wrote it.
func (k *checker) redaction(top map[string]any) {
	told := map[string]map[string]any{}
	list, _ := top["redacted"].([]any)
	for _, v := range list {
		entry, _ := v.(map[string]any)
		name, _ := entry["name"].(map[string]any)["type"].(string)
		if told[name] != nil {
			k.fault("redaction of %s is told twice", name)
		}
		told[name] = entry
		if entry["prePath"] != nil && entry["postPath"] != nil {
			k.fault("redaction of %s has both paths (-62004)", name)
		}
	}
	entities, _ := top["entities"].([]any)
	for _, v := range entities {
		e, _ := v.(map[string]any)
		role, _ := e["roles"].([]any)[0].(string)
		prefix, id := "Registrant ", "Registry Registrant ID"
		switch {
		case top["objectClassName"] != "domain":
			continue
		case role == "technical":
			prefix, id = "Tech ", "Registry Tech ID"
		case role != "registrant":
			continue
		}
		path := "$.entities[?(@.roles[0]=='" + role + "')]"
		card := path + ".vcardArray[1][?(@[0]=='"
		k.removed(told, id, e["handle"] == nil, path+".handle")
		have := map[string]any{}
		for _, v := range e["vcardArray"].([]any)[1].([]any) {
			p := v.([]any)
			name, _ := p[0].(string)
			if name == "tel" {
				name = p[1].(map[string]any)["type"].(string)
			}
			have[name] = p[3]
		}
		k.emptied(told, prefix+"Name", have["fn"] == "", card+"fn')][3]")
		k.removed(told, prefix+"Phone", have["voice"] == nil, card+"tel' && @[1].type=='voice')]")
		k.removed(told, prefix+"Email", have["email"] == nil, card+"email')]")
		if role == "technical" {
			continue
		}
		k.notTold(told, "Registrant Organization", have["org"] != nil, card+"org')]")
		k.notTold(told, "Registrant Fax", have["fax"] != nil, card+"tel' && @[1].type=='fax')]")
		parts, _ := have["adr"].([]any)
		for i, name := range map[int]string{2: "Street", 3: "City", 5: "Postal Code"} {
			if parts != nil && parts[i] == "" && told["Registrant "+name] == nil {
				k.fault("Registrant %s is empty and not told as withheld (-63401, -63501, -63601)", name)
			}
			if entry := told["Registrant "+name]; entry != nil {
				if parts == nil || parts[i] != "" {
					k.fault("Registrant %s is told as withheld, but there is %v", name, parts)
				}
				k.entry(entry, "Registrant "+name, "postPath", "emptyValue", card+fmt.Sprintf("adr')][3][%d]", i))
			}
		}
	}
}

func (k *checker) removed(told map[string]map[string]any, name string, absent bool, path string) {
	if absent != (told[name] != nil) {
		k.fault("%s is absent: %v, told as withheld: %v", name, absent, told[name] != nil)
	}
	k.notTold(told, name, !absent, path)
}

func (k *checker) notTold(told map[string]map[string]any, name string, present bool, path string) {
	entry := told[name]
	if entry == nil {
		return
	}
	if present {
		k.fault("%s is present and told as withheld", name)
	}
	k.entry(entry, name, "prePath", "removal", path)
}

func (k *checker) emptied(told map[string]map[string]any, name string, empty bool, path string) {
	if empty != (told[name] != nil) {
		k.fault("%s is empty: %v, told as withheld: %v", name, empty, told[name] != nil)
	}
	if entry := told[name]; entry != nil {
		k.entry(entry, name, "postPath", "emptyValue", path)
	}
}

func (k *checker) entry(entry map[string]any, name, where, method, path string) {
	if entry[where] != path || entry["method"] != method {
		k.fault("redaction of %s: %s is %v, method %v; want %s, %s", name, where, entry[where], entry["method"], path, method)
	}
}
