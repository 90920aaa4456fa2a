/** Words that stand in more than one place. */

export const common: typeof import("../en/common").common = {
  locale: "zh-CN",
  close: "关闭",
  cancel: "取消",
  save: "保存",
  undo: "撤销",
  retry: "重试",
  untitled: "未命名",
  dismiss: "忽略",
  delete: "删除",
  rename: "重命名",
  loading: "加载中…",
};
