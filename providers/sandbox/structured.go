package sandbox

import "net/http"

// runStructuredOutput is POST /structured-output/run: results for finished
// calls, stored on the calls unless previewEnabled.
func (s *Server) runStructuredOutput(w http.ResponseWriter, r *http.Request) error {
	body, err := readObject(w, r)
	if err == nil {
		err = validate(structuredRunRules, body)
	}
	if err != nil {
		return err
	}
	output, id := obj(body, "structuredOutput"), str(body, "structuredOutputId")
	if output == nil {
		if output = s.get("structured-output", id); output == nil {
			return notFound("structured-output")
		}
	} else if id != "" {
		return refuse(http.StatusBadRequest, "Only one of structuredOutputId and structuredOutput is allowed.")
	} else {
		id = newID()
	}
	results := object{}
	for _, v := range list(body, "callIds") {
		call := s.get("call", v.(string))
		if call == nil {
			return notFound("call")
		}
		known := with(obj(call, "analysis", "structuredData"), object{"summary": str(call, "analysis", "summary")})
		result := object{"name": str(output, "name"), "result": fillOutput(output, known)}
		results[str(call, "id")] = result
		if !isTrue(body, "previewEnabled") {
			artifact := obj(call, "artifact")
			s.merge("call", str(call, "id"), object{"artifact": with(artifact, object{
				"structuredOutputs": with(obj(artifact, "structuredOutputs"), object{id: result}),
			})})
		}
	}
	writeJSON(w, http.StatusCreated, results)
	return nil
}
