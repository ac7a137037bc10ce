/**
 * `stele completion`: what a shell needs in order to complete commands, options and their values.
 * @module
 */
import { command, publicOptionsOf, type Commands } from '../command.js';
import type { Setting } from '../settings/setting.js';

const SCRIPTS: Readonly<Record<string, (commands: Commands) => string>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
};

export const completionCommand = command({
  summary: 'Print a completion script for a shell',
  arguments: [{ name: 'SHELL', description: 'bash, zsh or fish', choices: Object.keys(SCRIPTS) }],
  settings: {},
  examples: [
    { what: 'In ~/.bashrc', command: 'source <(stele completion bash)' },
    { what: 'In ~/.zshrc, after compinit', command: 'source <(stele completion zsh)' },
    { what: 'In ~/.config/fish/config.fish', command: 'stele completion fish | source' },
  ],
  run: ({ args: [shell = ''], commands, terminal }) => {
    const script = SCRIPTS[shell];
    if (script === undefined) throw new TypeError(`checkArguments lets no shell ${shell} through`);
    terminal.out(script(commands).trimEnd());
    return 0;
  },
});

/** What decides how a value is completed. */
type Completed = Pick<Setting, 'choices' | 'file' | 'folder'>;

const HELP_DESCRIPTION = 'show help';

function bashScript(commands: Commands): string {
  const names = Object.keys(commands);
  const cases = Object.entries(commands).map(([name, command]) => {
    const options = publicOptionsOf(command);
    const values = options
      .filter(([, { value }]) => value !== undefined)
      .map(([option, setting]) => `        --${option}) ${bashReply(setting)} ;;\n`);
    const flags = [...options.map(([option]) => `--${option}`), '--help'].join(' ');
    return `    ${name})
      case $previous in
${values.join('')}        *)
          case $current in
            -*) _stele_reply -W '${flags}' ;;
            *) ${bashReply(command.arguments?.at(-1) ?? {})} ;;
          esac ;;
      esac ;;
`;
  });
  return `# The completion of stele for bash. In ~/.bashrc: source <(stele completion bash)
_stele_reply() {
  local line
  while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen "$@" -- "$current")
}

_stele() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD - 1]} command= word
  COMPREPLY=()
  # In --format=json bash sees three words.
  if [[ $current == = ]]; then
    current=
  elif [[ $previous == = ]]; then
    previous=\${COMP_WORDS[COMP_CWORD - 2]}
  fi
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case $word in
      ${names.join(' | ')})
        command=$word
        break ;;
    esac
  done
  case $command in
${cases.join('')}    *) _stele_reply -W '${names.join(' ')} --help --version' ;;
  esac
}

complete -F _stele stele
`;
}

/** The command that offers the values of a setting or an argument. */
function bashReply({ choices, file, folder }: Completed): string {
  if (choices !== undefined) return `_stele_reply -W '${choices.join(' ')}'`;
  // `-o filenames` has readline put a slash after a folder, and a backslash before a space.
  if (file === true) return 'compopt -o filenames 2>/dev/null; _stele_reply -f';
  if (folder === true) return 'compopt -o filenames 2>/dev/null; _stele_reply -d';
  return ':';
}

const ZSH_HELP = `'(-h --help)'{-h,--help}'[${HELP_DESCRIPTION}]'`;

function zshScript(commands: Commands): string {
  const cases = Object.entries(commands).map(([name, command]) => {
    const options = publicOptionsOf(command).map(([option, setting]) => {
      const { description, value, many } = setting;
      const flag = value === undefined ? `--${option}` : `--${option}=`;
      const action = value === undefined ? '' : `:${zshText(value)}:${zshAction(setting)}`;
      return shellQuote(`${many === true ? '*' : ''}${flag}[${zshText(description)}]${action}`);
    });
    const places = (command.arguments ?? []).map((argument) => {
      const { name, optional, many } = argument;
      const place = many === true ? '*:' : optional === true ? '::' : ':';
      return shellQuote(`${place}${name}:${zshAction(argument)}`);
    });
    return `    ${name})
      _arguments -S ${[ZSH_HELP, ...options, ...places].join(' \\\n        ')} ;;
`;
  });
  const names = Object.entries(commands).map(([name, { summary }]) =>
    shellQuote(`${name}:${zshText(summary)}`),
  );
  return `#compdef stele
# The completion of stele for zsh. In ~/.zshrc, after compinit: source <(stele completion zsh)
_stele() {
  local context state state_descr line
  typeset -A opt_args
  local -a commands=(
    ${names.join('\n    ')}
  )
  _arguments -C ${ZSH_HELP} '(-v --version)'{-v,--version}'[show the version]' \\
    '1:command:{_describe command commands}' '*:: :->rest'
  [[ $state == rest ]] || return
  case $words[1] in
${cases.join('')}  esac
}

# It may be sourced, or be a file in $fpath.
if [[ $funcstack[1] == _stele ]]; then _stele "$@"; else compdef _stele stele; fi
`;
}

/** What offers the values of a setting or an argument. */
function zshAction({ choices, file, folder }: Completed): string {
  if (choices !== undefined) return `(${choices.join(' ')})`;
  if (file === true) return '_files';
  return folder === true ? '_files -/' : ' ';
}

/** Text within a spec, where a colon and brackets have a meaning. */
function zshText(text: string): string {
  return text.replace(/[\\:[\]]/g, '\\$&');
}

function fishScript(commands: Commands): string {
  const lines = Object.entries(commands).flatMap(([name, command]) => {
    const here = `complete -c stele -n 'contains -- ${name} (__stele_command)'`;
    const options = publicOptionsOf(command).map(([option, setting]) => {
      const value = setting.value === undefined ? '' : fishValue(setting);
      return `${here} -l ${option}${value} -d ${fishQuote(setting.description)}`;
    });
    const places = (command.arguments ?? []).map((argument) => `${here}${fishValue(argument)}`);
    return [
      `complete -c stele -n 'not __stele_command >/dev/null' -a ${name} -d ${fishQuote(command.summary)}`,
      ...options,
      ...places,
    ];
  });
  return `# The completion of stele for fish. In ~/.config/fish/config.fish: stele completion fish | source
function __stele_command
    for word in (commandline -opc)[2..]
        if contains -- $word ${Object.keys(commands).join(' ')}
            echo $word
            return
        end
    end
    return 1
end

complete -c stele -f
complete -c stele -s h -l help -d ${fishQuote(HELP_DESCRIPTION)}
${lines.join('\n')}
`;
}

/** The flags that offer the values of an option or an argument: `-r` needs one, `-f` offers no files, `-F` does. */
function fishValue({ choices, file, folder }: Completed): string {
  if (choices !== undefined) return ` -r -f -a '${choices.join(' ')}'`;
  if (file === true) return ' -r -F';
  return folder === true ? ` -r -f -a '(__fish_complete_directories)'` : ' -r -f';
}

function shellQuote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function fishQuote(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&')}'`;
}
