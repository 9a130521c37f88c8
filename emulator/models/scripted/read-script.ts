import { readDocument } from '../../documents.ts';
import { type Script, ScriptFile } from './script.ts';

/**
 * A script from a file of YAML or JSON: a list of rules, or `{strict, rules}`. Apart from the model, so that what reads YAML is
 * loaded only where there is a file.
 * @throws DocumentError in one line, with the line of the file
 */
export function readScript(text: string, file: string): Script {
  const { value, lineOf } = readDocument(text, file, ScriptFile);
  const rules = value.rules.map((rule, index) => ({ rule, line: lineOf([...value.at, index]) }));
  return { rules, ...(value.strict !== undefined && { strict: value.strict }) };
}
