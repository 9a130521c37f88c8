/** A module that is loaded when it is first asked for, and once: asking `import` again costs a walk through the loader. */
export function lazy<Module>(load: () => Promise<Module>): () => Promise<Module> {
  let loading: Promise<Module> | undefined;
  return () => {
    loading ??= load();
    return loading;
  };
}
