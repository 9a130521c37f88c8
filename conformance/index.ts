/** Where the conformance kit goes. It is not there yet, and nothing is exported in its name. */
export {};
