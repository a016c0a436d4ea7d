export function split(code: string, part: string, rare: ReadonlySet<string>): { hot: string; rare: string | undefined }
export function instrument(code: string): string
