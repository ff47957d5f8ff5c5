export * from "../../lib/objectives/_tiny_problem.ts";
