/** File descriptor of the child: a pipe on which nothing is sent, and which closes when the parent is gone. */
export const LIFELINE = 4;
