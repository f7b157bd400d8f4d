package org.simplepush.examples.benchmarks;

import java.io.IOException;

/** Stops processes without ending them, and lets them go on. */
final class Signals {
  private Signals() {}

  /** Has a process do nothing more until {@link #resume}: its sockets stay open. */
  static void pause(long pid) throws LoadException {
    send("-STOP", pid);
  }

  /** Lets it go on, unless it was killed meanwhile. */
  static void resume(long pid) throws LoadException {
    if (ProcessHandle.of(pid).map(ProcessHandle::isAlive).orElse(false)) {
      send("-CONT", pid);
    }
  }

  private static void send(String signal, long pid) throws LoadException {
    try {
      int code = new ProcessBuilder("kill", signal, Long.toString(pid)).start().waitFor();
      if (code != 0) {
        throw new LoadException("kill " + signal + " " + pid + " ended with " + code);
      }
    } catch (IOException e) {
      throw new LoadException("Processes cannot be stopped here: " + e.getMessage());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new LoadException("Interrupted while a process was stopped");
    }
  }
}
