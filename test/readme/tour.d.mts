export function tourOf(markdown: string): string;
