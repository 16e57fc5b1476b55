package peer;

import com.google.gson.JsonObject;
import java.io.PrintStream;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Runs named checks, several at once, each within a time limit: the SDK waits up to two minutes and
 * more before it repeats a request, so that a wrong answer looks like a hang. Prints one JSON
 * object a line as each ends: {check, ok, detail}.
 */
final class Suite {
  interface Check {
    void run(Target target) throws Exception;
  }

  private static final int AT_ONCE = 6;
  private static final long LIMIT_S = 90;
  private static final int DETAIL_CHARACTERS_MAX = 3000;

  private final Map<String, Check> checks = new LinkedHashMap<>();
  private final PrintStream out;

  Suite(PrintStream out) {
    this.out = out;
  }

  void add(String name, Check check) {
    if (checks.put(name, check) != null) {
      throw new IllegalStateException("two checks are called " + name);
    }
  }

  void run(Target target, String only) throws InterruptedException {
    // One thread starts and watches a check, another runs it: a hung one is left behind.
    ExecutorService watchers = Executors.newFixedThreadPool(AT_ONCE);
    ExecutorService bodies = Executors.newCachedThreadPool(task -> {
      Thread thread = new Thread(task, "check");
      thread.setDaemon(true);
      return thread;
    });
    checks.forEach((name, check) -> {
      if (name.matches(only)) {
        watchers.submit(() -> report(name, outcome(bodies, check, target)));
      }
    });
    watchers.shutdown();
    watchers.awaitTermination(1, TimeUnit.HOURS);
  }

  /** "" when the check held, else why not. */
  private static String outcome(ExecutorService bodies, Check check, Target target) {
    Thread[] runner = new Thread[1];
    Future<?> body = bodies.submit(() -> {
      runner[0] = Thread.currentThread();
      check.run(target);
      return null;
    });
    try {
      body.get(LIMIT_S, TimeUnit.SECONDS);
      return "";
    } catch (TimeoutException late) {
      StringBuilder text = new StringBuilder("no end within " + LIMIT_S + " s; it was at");
      for (StackTraceElement at : runner[0].getStackTrace()) {
        text.append("\n  ").append(at);
      }
      body.cancel(true);
      return text.toString();
    } catch (ExecutionException failed) {
      return described(failed.getCause());
    } catch (InterruptedException stopped) {
      return "interrupted";
    }
  }

  private static String described(Throwable error) {
    StringBuilder text = new StringBuilder();
    for (Throwable at = error; at != null; at = at.getCause()) {
      text.append(text.length() == 0 ? "" : "\ncaused by ").append(at);
      for (StackTraceElement element : at.getStackTrace()) {
        if (element.getClassName().startsWith("peer.")) {
          text.append("\n  at ").append(element);
        }
      }
    }
    return text.toString();
  }

  private void report(String name, String fault) {
    JsonObject line = new JsonObject();
    line.addProperty("check", name);
    line.addProperty("ok", fault.isEmpty());
    int end = Math.min(fault.length(), DETAIL_CHARACTERS_MAX);
    line.addProperty("detail", fault.substring(0, end));
    synchronized (out) {
      out.println(line);
      out.flush();
    }
  }
}
