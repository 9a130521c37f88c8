/** What is made when it is first asked for, and once: a module (asking `import` again costs a walk through the loader), or statements. */
export function lazy<Made extends object>(make: () => Made): () => Made {
  let made: Made | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
