#!/usr/bin/env bash
# zod 4.6.7 and its zod/v3, ajv 8.20.0, @cfworker/json-schema 4.1.6, seen 2026-11-30.
# The schema has one optional string, `constructor` (a racing team, say). {} is valid, and so says the JSON Schema
# that zod writes. But zod 4, zod 3 and ajv read the property through the prototype, find Object's own function, and
# refuse {}. ajv has an option against it (`ownProperties`); cfworker accepts. The same holds for `toString` and
# `valueOf`.
# Follows: a model leaves out an optional argument of such a name and every call is refused, with a message about a
# function that nobody sent. Rename the field in tools for models.
# Output seen:
#   zod 4 false, zod 3 false, ajv false, ajv with ownProperties true, cfworker true
#   zod 4 says: Invalid input: expected string, received function
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
nice npm install --prefix "$dir" --silent --ignore-scripts --no-audit --no-fund \
  zod@4.6.7 ajv@8.20.0 @cfworker/json-schema@4.1.6 || exit 2
cat > check.mjs <<'JS'
import assert from 'node:assert/strict';
import { Validator } from '@cfworker/json-schema';
import { Ajv } from 'ajv';
import * as z4 from 'zod';
import * as z3 from 'zod/v3';
const schema = z4.object({ constructor: z4.string().optional() });
const { $schema, ...json } = z4.toJSONSchema(schema, { target: 'draft-7' });
assert.deepEqual(json.required, undefined);
const line = [
  `zod 4 ${schema.safeParse({}).success}`,
  `zod 3 ${z3.object({ constructor: z3.string().optional() }).safeParse({}).success}`,
  `ajv ${new Ajv().validate(json, {})}`,
  `ajv with ownProperties ${new Ajv({ ownProperties: true }).validate(json, {})}`,
  `cfworker ${new Validator(json, '7').validate({}).valid}`,
].join(', ');
const message = schema.safeParse({}).error?.issues[0].message;
console.log(line);
console.log('zod 4 says:', message);
assert.equal(line, 'zod 4 false, zod 3 false, ajv false, ajv with ownProperties true, cfworker true');
assert.equal(message, 'Invalid input: expected string, received function');
JS
node check.mjs
