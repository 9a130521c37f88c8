import type { ChatMessage } from '../../../contract/messages.ts';
import type { Script } from './dialogue.ts';

/** A review of code, in English, with files read between the turns: `reads` are calls, each with its result. */
export function review(reads: readonly ChatMessage[]): Script {
  const work = Array.from({ length: Math.floor(reads.length / 2) }, (_, at) => reads.slice(2 * at, 2 * at + 2));
  return { ...REVIEW, work };
}

const REVIEW: Script = {
  name: 'review of code, English',
  space: ' ',
  facts: `
    u Priya wants the old endpoint alive until the Helsinki customers have moved over. [Helsinki + moved]
    u It blew up on staging once, with 4,300 rows in the queue, and never again. [staging + 4,300 rows]
    u Whatever you do there, the parser also feeds the nightly export that Gustav owns. [nightly export + Gustav]
    u We bumped the pool to 24 because the vendor's driver leaks two of them a day. [pool + 24]
    u I would rather see that behind the flag called slow_lane. [slow_lane]
    u The seven magic bytes come from the scanner's firmware, not from us. [seven + firmware]
    u Last sprint that very line cost us a Sunday in the Ghent data centre. [Sunday + Ghent]
    u Anything that takes longer than 90 ms there shows up on the wall screen in red. [90 ms + wall screen]
    u My laptop still runs 18.19, so top-level tricks are out for me. [laptop + 18.19]
    u Half of that file was written by an intern called Benedetta in two afternoons. [Benedetta + two afternoons]
    u The retry is five and not three since the satellite link got added. [retry + five + satellite]
    u Legal made us keep the postal codes for eleven months. [postal codes + eleven months]
    u Someone on the ops channel swears the leak is in the thumbnailer. [ops + thumbnailer]
    u Ask me again on Thursday, when the schema people from Utrecht are here. [Thursday + Utrecht]
    u The mobile app sends the tenant in lower case, the web app does not. [mobile app + lower case]
    u We have 3 tests for that, and two of them were muted in March. [3 tests + March]
    a The helper is called from 14 places, four of which pass null. [14 places + null]
    a On this input the loop is quadratic: about 2.6 seconds for a list of forty thousand. [2.6 seconds + forty thousand]
    a The comment above it refers to a ticket named HARB-871, which nobody linked. [HARB-871]
    a Its default ends in 1970, so a missing date sorts to the very front. [1970 + front]
    a Two exports differ in a letter only: toWireDate and toWiredDate. [toWireDate + toWiredDate]
    a Without the cast the checker complains about line 212 alone. [cast + 212]
    a I left the benchmark out, since it needs the Rotterdam fixture of 800 MB. [Rotterdam + 800 MB]
    a The lock is taken before the await, which explains the stall that Gustav saw at 03:10. [lock + 03:10]
  `,
  things: [
    'this function',
    'the wrapper',
    'the second branch',
    'that helper',
    'the cache',
    'the adapter',
    'the error path',
    'the type guard',
    'the loop',
    'the module',
    'the constructor',
    'the fallback',
    'the option',
    'the signature',
  ],
  asked: [
    '{Could|Would} you {look at|go over|read} {thing} {next|as well|again}{, please|}?',
    '{Hm|Right|Okay}, {and|but} what about {thing}?',
    'I am not {sure|convinced} that {thing} {belongs|fits} {here|there} {at all|any more}.',
    'Does {thing} {really|still} {need|have} to be {public|exported|async}?',
    '{Fine|Good} by me, {let us|we can} {leave|keep} {thing} {as it is|for later}.',
    'Why {would|does} {thing} {swallow|hide|rethrow} the {cause|first error|message}?',
    '{Nobody|Hardly anybody} {understands|reads} {thing} without {coffee|the history|a drawing}.',
    'What is your {take|opinion} on {splitting|renaming|inlining} {thing}?',
  ],
  advised: [
    '{Overall|In general|By and large}, {thing} {reads|looks} {well|fine|clean}, {though|but} {the naming|its length|the nesting} {could|might} be {improved|tightened}.',
    '{Consider|I suggest} {extracting|moving|inlining} {thing} so that {callers|readers|tests} {do not depend|need not depend} on {its order|internals|shared state}.',
    'The {condition|check} in {thing} is {correct|right}, {yet|but} {easy to misread|hard to follow} {at first sight|without context}.',
    '{A|One} {smaller|minor} {point|remark}: {thing} {repeats|duplicates} {logic|a check} that {already|also} {exists|lives} {elsewhere|one level up}.',
    'It {would|might} be {worth|useful} {adding|to add} a {test|case} for the {empty|failing|largest} input {there|of} {thing}.',
    '{Since|Because} {thing} {runs|is called} {often|on every request}, {avoid|I would avoid} {allocating|copying} {inside|within} it.',
    '{Error handling|Logging} {around|in} {thing} is {consistent|in line} with the {rest|other files}, {which|and that} {helps|is good}.',
    '{Nothing|I see nothing} {else|more} {stands out|to flag} in {thing}, {apart from|except} {style|wording|white space}.',
    '{If|When} {thing} {throws|rejects}, the {caller|consumer} {sees|gets} {only|merely} a {generic|vague} {message|reason}, {which|and that} {makes|renders} {debugging|tracing} {slow|harder}.',
    '{Types|The types} {document|describe} {thing} {better|more clearly} than {prose|the comment}, {so|hence} the comment {can|may} go.',
  ],
  items: [
    '**Naming**: {Pick|Choose} {verbs|names} for {thing} that {say|tell} what it {returns|changes}, so {reviewers|readers} need not {guess|look}.',
    '**Errors**: {Keep|Pass on} the {cause|original error} when {thing} {fails|gives up}, as {stack traces|logs} {lose|hide} {a lot|context} {otherwise|without it}.',
    '**Tests**: {Cover|Exercise} {thing} with {odd|empty|very long} input too, {not only|instead of only} the {happy path|usual case}.',
    '**Performance**: {Measure|Profile} {thing} {before|first}, {since|because} {guesses|hunches} about {hot paths|speed} are {often|usually} wrong.',
    '**Docs**: {Move|Put} the {explanation|rationale} of {thing} {next to|above} the {code|declaration} that it {explains|is about}.',
  ],
  closings: [
    '{Shall|Should} I {go on with|continue with} the next {file|one}?',
    'Let me know {if|whether} {that|this} {matches|fits} what you had in mind.',
    'Happy to {draft|sketch} {that|the change} if you {like|want}.',
  ],
};
