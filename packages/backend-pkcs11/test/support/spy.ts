import type { BorrowedModule, Module } from "../../dist/cryptoki/module.js";
import { borrowModule } from "../../dist/inline/registry.js";

/** Names of the calls that a backend made on its module, in order. */
export type CallLog = string[];

/** Methods of a module that answer otherwise than the real one, which they are given. */
export type Overrides = (real: Module) => Partial<Module>;

/** Opens real modules, writes down what is called, and lets some methods answer otherwise. */
export function spiedModules(calls: CallLog, overrides: Overrides = () => ({})) {
  return async (path: string): Promise<BorrowedModule> => {
    const { module, release } = await borrowModule(path);
    return { module: spied(module, calls, overrides(module)), release };
  };
}

function spied(module: Module, calls: CallLog, overrides: Partial<Module>): Module {
  return new Proxy(module, {
    get(_, name: keyof Module) {
      if (name === "signNow") return undefined; // `sign` is what tests look at
      const owner = name in overrides ? overrides : module;
      const value: unknown = Reflect.get(owner, name, owner);
      if (typeof value !== "function") return value;
      return (...args: unknown[]) => {
        calls.push(name);
        return Reflect.apply(value, owner, args) as unknown;
      };
    },
  });
}
