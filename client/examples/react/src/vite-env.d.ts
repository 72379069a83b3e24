interface ImportMetaEnv {
  /** The address of the server. */
  readonly VITE_API_URL?: string;
}
